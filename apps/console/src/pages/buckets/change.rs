//! Settings of a bucket: default encryption, public access block, versioning.

use super::{named, one::blocks, place};
use crate::{
    ROOT,
    change::Planned,
    context::Context,
    failure::Failure,
    page::{Field, Page, State, fact, not_available, radio, tick, token},
    pages::making::shown_or_made,
    router::Outcome,
};
use maud::{Markup, html};
use operator::{
    change::{Call, Shown, Step, described},
    message,
    message::Message,
    rollback::Encryption,
    survey::{self, Bucket, Fact, Missing, PublicAccessBlock},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A bucket with what its forms begin with.
struct Settings {
    bucket: Bucket,
    region: String,
    encryption: Fact<Option<Encryption>>,
}

async fn read(c: &Context, name: &str) -> Result<Settings, Failure> {
    let client = c.client();
    let (bucket, encryption) = tokio::join!(survey::read_bucket(&client, name), Encryption::of(&client, name));
    let none = || {
        Failure::Missing(message!(
            "There is no bucket {name}.",
            "バケット {name} は存在しません。"
        ))
    };
    let bucket = bucket
        .filter(|bucket| bucket.exists != Fact::Known(false))
        .ok_or_else(none)?;
    let region = bucket
        .region
        .known()
        .cloned()
        .unwrap_or_else(|| client.region().to_owned());
    let encryption = encryption
        .map_err(|error| Missing::of("s3:GetBucketEncryption", &region, &error))
        .into();
    Ok(Settings {
        bucket,
        region,
        encryption,
    })
}

fn page<'a>(c: &'a Context, name: &str) -> Page<'a> {
    let page = Page::new(c, message!("Settings of {name}", "{name} の設定")).of_all_regions();
    page.below(message!("Buckets", "バケット"), "/buckets")
        .below(Message::plain(name), place(name))
}

pub(super) async fn show(c: Arc<Context>) -> Outcome {
    let name = named(&c)?;
    let settings = read(&c, name).await?;
    let form = |what: &str, legend: Message, fields: Markup| {
        html! {
            form method="post" action={ (ROOT) (place(name)) "/settings" } {
                (token(&c))
                input type="hidden" name="what" value=(what);
                fieldset { legend { (c.t(&legend)) } (fields) }
                div.actions { button type="submit" { (c.t(&message!("Show what will be done", "実行内容を確認"))) } }
            }
        }
    };
    Ok(page(&c, name).with(html! {
        (form("encryption", message!("Default encryption", "デフォルト暗号化"), encryption_fields(&c, &settings)))
        (form("public", message!("Public access block", "パブリックアクセスブロック"), public_fields(&c, &settings)))
        (form("versioning", message!("Versioning", "バージョニング"), versioning_fields(&c, &settings)))
    }))
}

fn encryption_fields(c: &Context, settings: &Settings) -> Markup {
    fact(c, &settings.encryption, |found| {
        let algorithm = found.as_ref().map_or("AES256", Encryption::algorithm);
        let key = found.as_ref().and_then(Encryption::key).unwrap_or_default();
        let bucket_key = found.as_ref().is_some_and(Encryption::has_bucket_key);
        html! {
            (radio(c, "algorithm", "AES256", !algorithm.starts_with("aws:kms"), &message!("SSE-S3: by S3's own keys (AES256)", "SSE-S3: S3 管理のキー (AES256)")))
            (radio(c, "algorithm", "aws:kms", algorithm.starts_with("aws:kms"), &message!("SSE-KMS: by this key (aws:kms)", "SSE-KMS: 次のキー (aws:kms)")))
            (Field::new("kms-key", message!("Key (ARN)", "キー (ARN)"), key).line(c))
            (tick(c, "bucket-key", "on", bucket_key, &message!("One data key for many objects (bucket key)", "バケットキーを使用する")))
            p.hint { (c.t(&message!("CloudTrail's own setting wins over this for what it puts.", "CloudTrail が書き込むオブジェクトには、証跡の設定が優先されます。"))) }
        }
    })
}

fn public_fields(c: &Context, settings: &Settings) -> Markup {
    fact(c, &settings.bucket.public_access_block, |found| {
        let block = found.unwrap_or_default();
        html! { @for (name, on) in blocks(&block) { (tick(c, name, "on", on, &Message::plain(name))) } }
    })
}

fn versioning_fields(c: &Context, settings: &Settings) -> Markup {
    fact(c, &settings.bucket.versioning, |found| {
        let is_on = found.status.as_deref() == Some("Enabled");
        html! {
            (radio(c, "status", "Enabled", is_on, &message!("Enabled: what is replaced or deleted is kept as an older version", "有効: 上書き・削除されたものは古いバージョンとして残ります")))
            (radio(c, "status", "Suspended", !is_on, &message!("Suspended", "停止")))
        }
    })
}

/// What a form asks for.
struct Wanted {
    title: Message,
    step: Option<Step>,
    checks: Vec<(State, Message)>,
}

pub(super) async fn set(c: Arc<Context>) -> Outcome {
    let name = named(&c)?;
    let settings = read(&c, name).await?;
    let wanted = match c.form.get("what") {
        "encryption" => encryption(&c, &settings)?,
        "public" => public(&c, &settings),
        "versioning" => versioning(&c, &settings)?,
        _ => {
            return Err(Failure::Bad(message!(
                "There is no such setting.",
                "このような設定はありません。"
            )));
        }
    };
    let steps = wanted.step.into_iter().collect();
    let mut planned = Planned::new(&c, wanted.title.clone(), "bucket-setting", steps);
    planned.checks = wanted.checks;
    let (action, back) = (format!("{}/settings", place(name)), place(name));
    let page = Page::new(&c, wanted.title).of_all_regions();
    let page = page
        .below(message!("Buckets", "バケット"), "/buckets")
        .below(Message::plain(name), place(name));
    shown_or_made(&c, page, &planned, (&action, &back)).await
}

/// What cannot be known cannot be put back.
fn unknown(missing: &Missing) -> Vec<(State, Message)> {
    vec![(State::Bad, missing.said())]
}

fn text(value: &Value) -> String {
    operator::text::pretty(&value.to_string())
}

fn encryption(c: &Context, settings: &Settings) -> Result<Wanted, Failure> {
    let name = &settings.bucket.name;
    let title = message!("Default encryption of {name}", "{name} のデフォルト暗号化");
    let key = c.form.get("kms-key");
    let default = match c.form.get("algorithm") {
        "AES256" => Encryption::s3(),
        "aws:kms" if base::arn::split(key).is_some() => Encryption::kms(key, c.form.is_on("bucket-key")),
        "aws:kms" => {
            return Err(Failure::Bad(message!(
                "Name the key by its ARN.",
                "キーを ARN で指定してください。"
            )));
        }
        _ => {
            return Err(Failure::Bad(message!(
                "There is no such encryption.",
                "このような暗号化はありません。"
            )));
        }
    };
    let before = match &settings.encryption {
        Fact::Known(before) => before,
        Fact::NotAvailable(missing) => {
            return Ok(Wanted {
                title,
                step: None,
                checks: unknown(missing),
            });
        }
    };
    let after = before
        .as_ref()
        .map_or_else(|| default.clone(), |before| before.with_default_of(&default));
    let undo = match before {
        Some(before) => before.put(name, &settings.region),
        None => Call::new(
            "s3",
            "DeleteBucketEncryption",
            &settings.region,
            json!({ "Bucket": name }),
        ),
    };
    let is_same = before.as_ref().is_some_and(|before| {
        (before.algorithm(), before.key(), before.has_bucket_key())
            == (after.algorithm(), after.key(), after.has_bucket_key())
    });
    let call = after.put(name, &settings.region);
    let step = (!is_same).then(|| Step {
        title: described(&call),
        shown: Some(Shown {
            what: title.clone(),
            before: before.as_ref().map_or_else(String::new, |before| text(&before.value())),
            after: text(&after.value()),
        }),
        call,
        undo: vec![undo],
        answers: Vec::new(),
    });
    let mut checks = Vec::new();
    let key_region = base::arn::split(key).map(|parts| parts.region.to_owned());
    if after.is_kms() && key_region.is_some_and(|region| region != settings.region) {
        checks.push((
            State::Bad,
            message!(
                "The key is of another Region than the bucket: nothing could be put.",
                "キーとバケットのリージョンが異なるため、オブジェクトを書き込めなくなります。"
            ),
        ));
    }
    Ok(Wanted { title, step, checks })
}

fn block_value(block: &PublicAccessBlock) -> Value {
    let members = blocks(block)
        .into_iter()
        .map(|(name, on)| (name.to_owned(), Value::Bool(on)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn public(c: &Context, settings: &Settings) -> Wanted {
    let name = &settings.bucket.name;
    let title = message!("Public access block of {name}", "{name} のパブリックアクセスブロック");
    let before = match &settings.bucket.public_access_block {
        Fact::Known(before) => before,
        Fact::NotAvailable(missing) => {
            return Wanted {
                title,
                step: None,
                checks: unknown(missing),
            };
        }
    };
    let after = PublicAccessBlock {
        block_public_acls: c.form.is_on("BlockPublicAcls"),
        ignore_public_acls: c.form.is_on("IgnorePublicAcls"),
        block_public_policy: c.form.is_on("BlockPublicPolicy"),
        restrict_public_buckets: c.form.is_on("RestrictPublicBuckets"),
    };
    let put = |block: &PublicAccessBlock| {
        let input = json!({ "Bucket": name, "PublicAccessBlockConfiguration": block_value(block) });
        Call::new("s3", "PutPublicAccessBlock", &settings.region, input)
    };
    let undo = match before {
        Some(before) => put(before),
        None => Call::new(
            "s3",
            "DeletePublicAccessBlock",
            &settings.region,
            json!({ "Bucket": name }),
        ),
    };
    let call = put(&after);
    let step = (before.unwrap_or_default() != after).then(|| Step {
        title: described(&call),
        shown: Some(Shown {
            what: title.clone(),
            before: before
                .as_ref()
                .map_or_else(String::new, |before| text(&block_value(before))),
            after: text(&block_value(&after)),
        }),
        call,
        undo: vec![undo],
        answers: Vec::new(),
    });
    let opened = before.is_some_and(|before| before.is_whole()) && !after.is_whole();
    let says = message!(
        "Public access would no longer be blocked in every way.",
        "パブリックアクセスの一部がブロックされなくなります。"
    );
    let checks = opened.then_some((State::Warn, says)).into_iter().collect();
    Wanted { title, step, checks }
}

fn versioning(c: &Context, settings: &Settings) -> Result<Wanted, Failure> {
    let name = &settings.bucket.name;
    let title = message!("Versioning of {name}", "{name} のバージョニング");
    let after = match c.form.get("status") {
        status @ ("Enabled" | "Suspended") => status,
        _ => {
            return Err(Failure::Bad(message!(
                "Versioning is Enabled or Suspended.",
                "バージョニングは Enabled か Suspended です。"
            )));
        }
    };
    let before = match &settings.bucket.versioning {
        Fact::Known(before) => before.status.as_deref(),
        Fact::NotAvailable(missing) => {
            return Ok(Wanted {
                title,
                step: None,
                checks: unknown(missing),
            });
        }
    };
    let put = |status: &str| {
        let input = json!({ "Bucket": name, "VersioningConfiguration": { "Status": status } });
        Call::new("s3", "PutBucketVersioning", &settings.region, input)
    };
    let call = put(after);
    // What was never switched on cannot be made so again; suspended is nearest.
    let undo = put(before.unwrap_or("Suspended"));
    let is_same = before == Some(after) || (before.is_none() && after == "Suspended");
    let step = (!is_same).then(|| Step {
        title: described(&call),
        shown: Some(Shown {
            what: title.clone(),
            before: before.unwrap_or_default().to_owned(),
            after: after.to_owned(),
        }),
        call,
        undo: vec![undo],
        answers: Vec::new(),
    });
    let mut checks = Vec::new();
    if before.is_none() && after == "Enabled" {
        checks.push((
            State::Warn,
            message!(
                "It can be suspended later, but not switched off as if it had never been on.",
                "後で停止できますが、未設定の状態には戻せません。"
            ),
        ));
    }
    Ok(Wanted { title, step, checks })
}
