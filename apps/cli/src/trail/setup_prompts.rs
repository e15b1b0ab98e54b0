//! The questions of `shoseki trail setup`, in the order in which the console asks them.

use super::setup::Management;
use crate::{
    operate::tr,
    prompt::{Ended, Prompt},
    trail_args::DataEvents,
};
use anyhow::Result;
use operator::{
    aws::Client,
    message::{Language, Message},
    setup::{self, faults},
    template::Text,
    trail::{Definition, EventSelector, Key},
};

/// The definition with what the person answered; nothing when the person ended the questions.
pub(super) async fn ask(client: &Client, given: Definition, language: Language) -> Result<Option<Definition>> {
    let regions = setup::enabled_regions(client).await?;
    let account = setup::Caller::ask(client).await?.account;
    let questions = Questions {
        account,
        prompt: Prompt::new(language),
        language,
        regions,
        home: client.region().to_owned(),
    };
    Ok(questions.all(given).await.ok())
}

/// What is wrong with an answer, in the language of the questions.
fn said(fault: Option<Message>, language: Language) -> Option<String> {
    fault.map(|fault| fault.in_language(language).to_owned())
}

struct Questions {
    prompt: Prompt,
    language: Language,
    account: String,
    regions: Vec<String>,
    home: String,
}

impl Questions {
    async fn all(&self, mut trail: Definition) -> Result<Definition, Ended> {
        let region = self.region(&trail).await?;
        trail.region = Some(region.clone());
        self.name(&mut trail).await?;
        self.scope(&mut trail, &region).await?;
        self.events(&mut trail).await?;
        self.bucket(&mut trail).await?;
        self.key(&mut trail).await?;
        let language = self.language;
        let validation = tr!(
            language,
            "Sign digests of the log files, so that tampering shows?",
            "改ざんを検知できるよう、ログファイルの検証を有効にしますか?"
        );
        trail.validation = self.prompt.yes(&validation, trail.validation).await?;
        self.logs(&mut trail).await?;
        Ok(trail)
    }

    async fn region(&self, trail: &Definition) -> Result<String, Ended> {
        let language = self.language;
        self.prompt.note(&tr!(
            language,
            "The trail, its key and its bucket are made in one Region.",
            "証跡・キー・バケットは、ここで選択したリージョンに作成されます。"
        ));
        let fault = |answer: &str| said(faults::of_region(answer, &self.regions), language);
        let default = trail.region.clone().unwrap_or_else(|| self.home.clone());
        let question = tr!(language, "Region", "リージョン");
        self.prompt.text(&question, &default, fault).await
    }

    async fn name(&self, trail: &mut Definition) -> Result<(), Ended> {
        let language = self.language;
        let fault = |answer: &str| said(faults::of_name(answer), language);
        let question = tr!(language, "Name of the trail", "証跡の名前");
        trail.name = self.prompt.text(&question, &trail.name, fault).await?;
        Ok(())
    }

    async fn scope(&self, trail: &mut Definition, region: &str) -> Result<(), Ended> {
        let language = self.language;
        self.prompt.note(&tr!(
            language,
            "One trail for all Regions puts all log files into one bucket, easy to search. When most of them come from other Regions, \
             their transfer costs: then a trail in each Region is cheaper.",
            "全リージョンを対象にすると、ログが 1 つのバケットに集まり分析しやすくなります。ただし他のリージョンのログが多い場合は\
             リージョン間の転送料金がかかるため、リージョンごとの証跡をお勧めします。"
        ));
        let question = tr!(
            language,
            "Record the events of all Regions, or of {region} only?",
            "すべてのリージョンを記録しますか、{region} だけにしますか?"
        );
        let default = if trail.all_regions { "all" } else { "one" };
        let all = self
            .prompt
            .choice(&question, &[("all", true), ("one", false)], default)
            .await?;
        (trail.all_regions, trail.global_events) = (all, all);
        Ok(())
    }

    async fn events(&self, trail: &mut Definition) -> Result<(), Ended> {
        let language = self.language;
        let question = tr!(language, "Management events", "管理イベント");
        let kinds = [
            ("all", Management::All),
            ("read", Management::Read),
            ("write", Management::Write),
            ("none", Management::None),
        ];
        let management = self.prompt.choice(&question, &kinds, "all").await?;
        self.prompt.note(&tr!(
            language,
            "Data events (reads and writes of objects, calls of functions) come in great numbers and cost.",
            "データイベント (オブジェクトの読み書き、関数の呼び出し) は量が多く、料金がかかります。"
        ));
        let words = |answer: &str| -> Option<Vec<DataEvents>> {
            let words = answer
                .split([',', ' '])
                .filter(|word| !word.is_empty() && *word != "none");
            words.map(DataEvents::named).collect()
        };
        let fault = |answer: &str| {
            words(answer).is_none().then(|| {
                tr!(
                    language,
                    "Answer none, or some of s3, lambda, dynamodb.",
                    "none、または s3, lambda, dynamodb から選んでください。"
                )
            })
        };
        let question = tr!(
            language,
            "Data events (none, or some of s3, lambda, dynamodb)",
            "データイベント (none、または s3, lambda, dynamodb)"
        );
        let given = self.prompt.text(&question, "none", fault).await?;
        let data = words(&given).unwrap_or_default();
        if !data.is_empty() {
            trail.event_selectors = vec![EventSelector {
                data_resources: data.into_iter().map(DataEvents::resource).collect(),
                ..EventSelector::default()
            }];
        }
        management.apply(trail);
        Ok(())
    }

    async fn bucket(&self, trail: &mut Definition) -> Result<(), Ended> {
        let language = self.language;
        let question = tr!(language, "Create a new S3 bucket?", "新しい S3 バケットを作成しますか?");
        trail.bucket.existing = !self.prompt.yes(&question, !trail.bucket.existing).await?;
        let fault = |answer: &str| said(faults::of_bucket(answer), language);
        let question = tr!(language, "Name of the bucket", "バケット名");
        let default = match trail.bucket.existing {
            true => String::new(),
            false => {
                let name = trail.bucket.name.to_string();
                let region = trail.region.as_deref().unwrap_or_default();
                name.replace("{account}", &self.account).replace("{region}", region)
            }
        };
        let name = self.prompt.text(&question, &default, fault).await?;
        trail.bucket.name = Text::parse(&name);
        Ok(())
    }

    async fn key(&self, trail: &mut Definition) -> Result<(), Ended> {
        let language = self.language;
        let question = tr!(
            language,
            "Encrypt the log files by a KMS key of yours?",
            "ログファイルを KMS キーで暗号化しますか?"
        );
        if !self.prompt.yes(&question, trail.key.is_some()).await? {
            trail.key = None;
            return Ok(());
        }
        let mut key = trail.key.take().unwrap_or_default();
        let question = tr!(language, "Create a new KMS key?", "新しい KMS キーを作成しますか?");
        if self.prompt.yes(&question, key.existing.is_none()).await? {
            key.existing = None;
            self.alias(&mut key).await?;
        } else {
            let question = tr!(
                language,
                "The key's ARN, id or alias",
                "キーの ARN、ID またはエイリアス"
            );
            let fault = |answer: &str| said(faults::of_key(answer), language);
            let existing = key.existing.as_ref().map(Text::to_string).unwrap_or_default();
            let existing = self.prompt.text(&question, &existing, fault).await?;
            key.existing = Some(Text::parse(&existing));
        }
        trail.key = Some(key);
        Ok(())
    }

    async fn alias(&self, key: &mut Key) -> Result<(), Ended> {
        let language = self.language;
        let fault = |answer: &str| said(faults::of_alias(answer), language);
        let default = key.alias.as_ref().map(Text::to_string).unwrap_or_default();
        let question = tr!(language, "Alias of the key", "キーのエイリアス");
        let alias = self.prompt.text(&question, &default, fault).await?;
        key.alias = Some(Text::parse(&faults::with_alias(&alias)));
        Ok(())
    }

    async fn logs(&self, trail: &mut Definition) -> Result<(), Ended> {
        let language = self.language;
        let question = tr!(
            language,
            "Write events to CloudWatch Logs, too?",
            "CloudWatch Logs にもイベントを送りますか?"
        );
        if !self.prompt.yes(&question, trail.logs.is_some()).await? {
            trail.logs = None;
            return Ok(());
        }
        let mut logs = trail.logs.take().unwrap_or_default();
        let question = tr!(language, "Name of the log group", "ロググループ名");
        let fault = |answer: &str| said(faults::of_group(answer), language);
        let group = self.prompt.text(&question, &logs.group.to_string(), fault).await?;
        logs.group = Text::parse(&group);
        trail.logs = Some(logs);
        Ok(())
    }
}
