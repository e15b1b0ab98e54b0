//! What the commands that operate trails have in common: whom they call, in which language they speak, what they write.

use anyhow::Result;
use clap::{Args, ValueEnum};
use operator::{
    aws::{Client, Environment, Settings},
    message::Language,
};
use std::path::Path;

/// Whom to call. What is not said is read where the AWS CLI reads it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Whom to call")]
pub(crate) struct Access {
    /// A profile of ~/.aws/config.
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// The Region [default: that of the profile or the environment].
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Another place than AWS.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

impl Access {
    /// A client by the AWS CLI's own settings and these. Credentials are looked for at its first call.
    pub(crate) fn client(&self) -> Result<Client> {
        Ok(self.settings()?.client()?)
    }

    /// The AWS CLI's own settings and these.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Ok(Settings::read(
            Environment::new(std::env::vars()),
            self.profile.as_deref(),
            self.region.as_deref(),
            self.endpoint_url.as_deref(),
        )?)
    }
}

/// For whom the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document, in English.
    Json,
}

/// `--output`, and `--json`, which some commands had before.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct AsJson {
    /// For whom the answer is written.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// The same as --output json.
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl AsJson {
    pub(crate) fn json(self) -> bool {
        self.json || self.output == Output::Json
    }
}

/// The languages of `--lang`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// 日本語.
    Ja,
}

/// The language to speak in: as asked for, else that of LC_ALL, LC_MESSAGES or LANG.
pub(crate) fn language(asked: Option<Lang>) -> Language {
    match asked {
        Some(Lang::En) => Language::English,
        Some(Lang::Ja) => Language::Japanese,
        None => {
            #[expect(clippy::disallowed_methods, reason = "the command line's own affair")]
            let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
            Language::of_locale(&locale.unwrap_or_default())
        }
    }
}

/// Why a file's text is not there.
pub(crate) fn cannot_read(file: &Path, language: Language) -> String {
    let file = file.display();
    tr!(language, "cannot read `{file}`", "`{file}` を読み込めません")
}

/// Why a file is not there.
pub(crate) fn cannot_write(file: &Path, language: Language) -> String {
    let file = file.display();
    tr!(language, "cannot write `{file}`", "`{file}` に書き込めません")
}

/// Why a file's text is of no use.
pub(crate) fn cannot_be_used(file: &Path, language: Language) -> String {
    let file = file.display();
    tr!(language, "`{file}` cannot be used", "`{file}` の内容を解釈できません")
}

/// A text in the language of this run: `tr!(language, "… {x}", "… {x}")`.
#[allow(unused_macros, reason = "the commands that use it are being added")]
macro_rules! tr {
    ($language:expr, $english:literal, $japanese:literal $(,)?) => {
        match $language {
            ::operator::message::Language::English => ::std::format!($english),
            ::operator::message::Language::Japanese => ::std::format!($japanese),
        }
    };
}
#[allow(unused_imports, reason = "the commands that use it are being added")]
pub(crate) use tr;
