//! The key: made, found as an earlier run left it, or adopted.

use super::{
    Draft, KeyRef, Outcome,
    bucket::BucketFound,
    needs::{self, Adopted},
    place::same_policy,
    shown,
};
use crate::{
    aws::{Client, Error},
    change::Call,
    message,
    template::{Part, Text},
    trail::{Key, policies},
};
use base::arn;
use policy::PolicyKind;
use serde_json::{Value, json};
use wire::ServiceName::Kms;

/// Days until a key that is taken back ends: KMS's least.
const PENDING_DAYS: u32 = 7;
/// How many keys without an alias are looked at for one that an interrupted run has left.
const ORPHANS_MAX: usize = 100;

/// What KMS says of a key.
pub(crate) struct KeyFound {
    pub(crate) arn: String,
    pub(crate) id: String,
    /// Its policy, when it may be read.
    pub(crate) policy: Option<String>,
    metadata: Value,
}

impl KeyFound {
    /// Why it cannot seal log files; nothing when it can.
    pub(crate) fn fault(&self) -> Option<crate::message::Message> {
        let member = |name: &str| self.metadata[name].as_str().unwrap_or_default().to_owned();
        let (arn, state, usage, spec) = (&self.arn, member("KeyState"), member("KeyUsage"), member("KeySpec"));
        if !state.is_empty() && state != "Enabled" {
            return Some(message!(
                "The key {arn} is in the state {state}.",
                "キー {arn} の状態は {state} です。"
            ));
        }
        if usage != "ENCRYPT_DECRYPT" || !matches!(spec.as_str(), "SYMMETRIC_DEFAULT" | "") {
            return Some(message!(
                "The key {arn} ({usage}, {spec}) cannot seal log files: that needs a symmetric key that encrypts.",
                "キー {arn} ({usage}, {spec}) ではログファイルを暗号化できません。暗号化用の対称キーが必要です。",
            ));
        }
        (member("KeyManager") == "AWS").then(|| {
            message!(
                "The key {arn} is one of AWS's own, whose policy nobody can change: CloudTrail may not use it.",
                "キー {arn} は AWS マネージドキーです。ポリシーを変更できないため CloudTrail では使えません。",
            )
        })
    }

    /// Looks at a key by its id, ARN or alias; nothing when there is none.
    pub(crate) async fn look(client: &Client, id: &str) -> Result<Option<KeyFound>, Error> {
        let metadata = match client.json(Kms, "DescribeKey", &json!({ "KeyId": id })).await {
            Ok(mut answer) => answer["KeyMetadata"].take(),
            Err(error) if error.is(&["NotFoundException"]) => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
        let (arn, id) = (text("Arn"), text("KeyId"));
        let of_policy = json!({ "KeyId": arn, "PolicyName": "default" });
        let policy = match client.json(Kms, "GetKeyPolicy", &of_policy).await {
            Ok(answer) => answer["Policy"].as_str().map(str::to_owned),
            Err(error) if error.refused().is_some() => None,
            Err(error) => return Err(error),
        };
        Ok(Some(KeyFound {
            arn,
            id,
            policy,
            metadata,
        }))
    }
}

/// The Region that the ARN of a key names, when it is an ARN.
pub(crate) fn region_of(id: &str) -> Option<&str> {
    arn::split(id)
        .map(|parts| parts.region)
        .filter(|region| !region.is_empty())
}

impl Draft<'_> {
    /// The key of the trail; its steps stand before the bucket's.
    pub(super) async fn key(&mut self, bucket: &BucketFound) -> Result<Option<KeyRef>, Error> {
        let Some(key) = &self.definition.key else {
            let says = message!(
                "Log files are sealed by S3's own keys (SSE-S3).",
                "ログファイルは S3 のキーで暗号化されます (SSE-S3)。",
            );
            self.good("key", says);
            return Ok(None);
        };
        let existing = key.existing.as_ref().map(|text| self.place.text(text));
        match existing {
            Some(id) => self.existing_key(&id, bucket).await.map(Some),
            None => self.own_key(key, bucket).await.map(Some),
        }
    }

    /// The policy of a new key.
    async fn key_policy(&self, key: &Key) -> Result<String, Error> {
        if let Some(policy) = &key.policy {
            return Ok(self.place.document(policy));
        }
        if self.order.console_policies {
            let creator = self.caller.entity(self.client).await?;
            return Ok(self.place.document(&policies::console_key(creator.as_deref())));
        }
        Ok(self.place.document(&self.least_key_policy(&key.readers)))
    }

    fn least_key_policy(&self, readers: &[Text]) -> crate::template::Tree {
        let bucket = &self.definition.bucket;
        let name = Text::of([Part::Bucket]);
        // Of a bucket that is there it may change any day whether it has a Bucket Key.
        let bucket_key = (bucket.bucket_key || bucket.existing).then_some(&name);
        policies::key(&self.let_in(), readers, bucket_key)
    }

    async fn own_key(&mut self, key: &Key, bucket: &BucketFound) -> Result<KeyRef, Error> {
        let client = self.client.in_region(&bucket.region);
        let policy = self.key_policy(key).await?;
        self.key_document = Some(policy.clone());
        let alias = key.alias.as_ref().map(|alias| self.place.text(alias));
        let found = match &alias {
            Some(alias) => {
                let looked = KeyFound::look(&client, alias).await;
                self.found("key", "kms:DescribeKey", looked, &[])?.flatten()
            }
            None => None,
        };
        if let (Some(found), Some(alias)) = (&found, &alias) {
            let is_ours = found
                .policy
                .as_ref()
                .is_some_and(|present| same_policy(present, &policy));
            let (arn, option) = (&found.arn, self.key_option);
            self.key_present.clone_from(&found.policy);
            if !is_ours {
                let says = message!(
                    "The alias {alias} is taken by the key {arn}: give another --key-alias, or take this key by {option} {alias}.",
                    "エイリアス {alias} はキー {arn} が使用中です。別の --key-alias を指定するか、{option} {alias} でこのキーを使ってください。",
                );
                self.wrong("key", says);
            } else if let Some(fault) = found.fault() {
                self.wrong("key", fault);
            } else {
                let says = message!(
                    "The key {arn} ({alias}) is there with just this policy.",
                    "キー {arn} ({alias}) は同じポリシーで作成済みです。",
                );
                self.good("key", says);
            }
            self.rotation(key, &client, found).await?;
            return Ok(KeyRef {
                arn: found.arn.clone(),
                is_there: true,
            });
        }
        let orphan = self.orphan(key, &client, &policy).await?;
        let arn = match &orphan {
            Some(found) => {
                let arn = found.arn.clone();
                let says = message!(
                    "The key {arn}, which an earlier run has left without an alias, is used.",
                    "以前の実行で作成されエイリアスのないキー {arn} を使います。",
                );
                self.good("key", says);
                self.rotation(key, &client, found).await?;
                arn
            }
            None => {
                let name = alias.clone().unwrap_or_else(|| "-".to_owned());
                let region = bucket.region.clone();
                let says = message!(
                    "A key is made in {region}, the bucket's Region; its alias {name} is free.",
                    "キーをバケットと同じリージョン {region} に作成します。エイリアス {name} は空いています。",
                );
                self.good("key", says);
                self.make_key(key, &policy, &bucket.region);
                "{{keyArn}}".to_owned()
            }
        };
        if let Some(alias) = &alias {
            let region = &bucket.region;
            let input = json!({ "AliasName": alias, "TargetKeyId": arn });
            let undo = Call::new("kms", "DeleteAlias", region, json!({ "AliasName": alias }));
            let title = message!("Name the key {alias}.", "キーにエイリアス {alias} を付けます。");
            self.step(title, Call::new("kms", "CreateAlias", region, input), vec![undo]);
        }
        Ok(KeyRef {
            is_there: orphan.is_some(),
            arn,
        })
    }

    fn make_key(&mut self, key: &Key, policy: &str, region: &str) {
        let mut input = json!({ "Description": self.place.text(&key.description), "Policy": policy });
        if key.multi_region {
            input["MultiRegion"] = json!(true);
        }
        if !key.tags.is_empty() {
            let tags = key
                .tags
                .iter()
                .map(|(name, value)| json!({ "TagKey": name, "TagValue": value }));
            input["Tags"] = tags.collect();
        }
        let end = json!({ "KeyId": "{{key}}", "PendingWindowInDays": PENDING_DAYS });
        let undo = Call::new("kms", "ScheduleKeyDeletion", region, end);
        let title = message!(
            "Make the key that seals the log files.",
            "ログファイルを暗号化するキーを作成します。",
        );
        let what = message!("The key's policy", "キーポリシー");
        let step = self.step(title, Call::new("kms", "CreateKey", region, input), vec![undo]);
        step.shown = shown(what, "", policy);
        step.answers = vec![
            ("key".to_owned(), "KeyMetadata.KeyId".to_owned()),
            ("keyArn".to_owned(), "KeyMetadata.Arn".to_owned()),
        ];
        if key.rotation {
            self.rotate(key, "{{key}}", region);
        }
    }

    fn rotate(&mut self, key: &Key, id: &str, region: &str) {
        let mut input = json!({ "KeyId": id });
        if let Some(days) = key.rotation_days {
            input["RotationPeriodInDays"] = json!(days);
        }
        let days = key.rotation_days.unwrap_or(365);
        let title = message!(
            "Rotate the key every {days} days.",
            "キーを {days} 日ごとに自動ローテーションします。",
        );
        self.step(title, Call::new("kms", "EnableKeyRotation", region, input), Vec::new());
    }

    /// What an interrupted run has left to do.
    async fn rotation(&mut self, key: &Key, client: &Client, found: &KeyFound) -> Result<(), Error> {
        if !key.rotation {
            return Ok(());
        }
        let answer = client
            .json(Kms, "GetKeyRotationStatus", &json!({ "KeyId": found.arn }))
            .await;
        let answer = self.found("key", "kms:GetKeyRotationStatus", answer, &[])?;
        if answer.is_some_and(|answer| answer["KeyRotationEnabled"] == false) {
            self.rotate(key, &found.id, client.region());
        }
        Ok(())
    }

    /// A key with just this policy and description that no alias names.
    async fn orphan(&mut self, key: &Key, client: &Client, policy: &str) -> Result<Option<KeyFound>, Error> {
        let aliases = pages(client, "ListAliases", "Aliases").await;
        let keys = pages(client, "ListKeys", "Keys").await;
        // Whether one was left is a kindness: who may not list keys makes a new one.
        let (Ok(aliases), Ok(keys)) = (aliases, keys) else {
            return Ok(None);
        };
        let named = |id: &str| aliases.iter().any(|alias| alias["TargetKeyId"] == id);
        let ids = keys
            .iter()
            .filter_map(|key| key["KeyId"].as_str())
            .filter(|id| !named(id));
        let description = self.place.text(&key.description);
        for id in ids.take(ORPHANS_MAX) {
            let Ok(Some(found)) = KeyFound::look(client, id).await else {
                continue;
            };
            let fits = found.metadata["Description"] == description.as_str() && found.fault().is_none();
            if fits
                && found
                    .policy
                    .as_ref()
                    .is_some_and(|present| same_policy(present, policy))
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn existing_key(&mut self, id: &str, bucket: &BucketFound) -> Result<KeyRef, Error> {
        let wanted = KeyRef {
            arn: id.to_owned(),
            is_there: true,
        };
        let region = &bucket.region;
        if let Some(other) = region_of(id).filter(|other| other != region) {
            let name = &self.place.bucket;
            let says = message!(
                "The key {id} is in {other}, but the bucket {name} is in {region}: key and bucket must be in one Region.",
                "キー {id} は {other} にありますが、バケット {name} は {region} にあります。キーとバケットは同じリージョンでなければなりません。",
            );
            self.wrong("key", says);
            return Ok(wanted);
        }
        let client = self.client.in_region(region);
        let looked = KeyFound::look(&client, id).await;
        let unknown = self.checks.len();
        let Some(found) = self.found("key", "kms:DescribeKey", looked, &[])?.flatten() else {
            if self.checks.len() == unknown {
                let says = message!(
                    "There is no key {id} in {region}.",
                    "{region} にキー {id} はありません。"
                );
                self.wrong("key", says);
            }
            return Ok(wanted);
        };
        if let Some(fault) = found.fault() {
            self.wrong("key", fault);
            return Ok(wanted);
        }
        self.adopt_key(&found, bucket);
        Ok(KeyRef {
            arn: found.arn,
            is_there: true,
        })
    }

    fn adopt_key(&mut self, found: &KeyFound, bucket: &BucketFound) {
        let arn = &found.arn;
        self.key_present.clone_from(&found.policy);
        let Some(present) = &found.policy else {
            let says = message!(
                "The policy of the key {arn} cannot be read (kms:GetKeyPolicy): whether it lets CloudTrail in shows when the trail is made.",
                "キー {arn} のポリシーを読み取れません (kms:GetKeyPolicy)。CloudTrail が使えるかどうかは証跡の作成時に分かります。",
            );
            return self.check("key", Outcome::Unknown, says);
        };
        let bucket_key = bucket.has_bucket_key() || self.definition.bucket.bucket_key;
        let named = self
            .definition
            .key
            .as_ref()
            .map(|key| key.readers.clone())
            .unwrap_or_default();
        let readers: Vec<String> = named.iter().map(|reader| self.place.text(reader)).collect();
        let need = |trail: String| {
            let place = self.place.in_region(&bucket.region);
            let mut needs = needs::of_key(&place, &trail, arn, bucket_key);
            needs.extend(needs::of_readers(&place, &trail, arn, bucket_key, &readers));
            (trail, needs)
        };
        let trails: Vec<_> = self.trail_arns().into_iter().map(need).collect();
        let name = Text::of([Part::Bucket]);
        let least = self.place.value(&policies::key(&self.let_in(), &named, Some(&name)));
        let adopted = needs::adopt(
            Some(present),
            &least,
            PolicyKind::KeyPolicy,
            &trails,
            &self.place.account,
        );
        self.adopted("key", arn, &adopted);
        self.key_document = Some(match &adopted {
            Adopted::With { policy, .. } => policy.clone(),
            _ => present.clone(),
        });
        if let Adopted::With { policy, added } = adopted {
            let region = bucket.region.clone();
            let put = |text: &str| {
                let input = json!({ "KeyId": arn, "PolicyName": "default", "Policy": text });
                Call::new("kms", "PutKeyPolicy", &region, input)
            };
            let count = added.len();
            let title = message!(
                "Add {count} statements to the policy of the key {arn}, so that CloudTrail may seal log files by it.",
                "CloudTrail がログファイルを暗号化できるよう、キー {arn} のポリシーにステートメントを {count} 件追加します。",
            );
            let what = message!("The policy of the key {arn}", "キー {arn} のポリシー");
            let (call, undo) = (put(&policy), put(present));
            self.step(title, call, vec![undo]).shown = shown(what, present, &policy);
        }
    }

    /// Says what became of a policy that was to let the trail in.
    pub(super) fn adopted(&mut self, about: &'static str, name: &str, adopted: &Adopted) {
        let trail = self.definition.name.clone();
        match adopted {
            Adopted::AsItIs => {
                let says = message!(
                    "The policy of {name} lets the trail {trail} in as it is.",
                    "{name} のポリシーは、そのままで証跡 {trail} を許可しています。",
                );
                self.good(about, says);
            }
            Adopted::With { added, .. } => {
                let list = added.join(", ");
                let says = message!(
                    "The policy of {name} does not let the trail {trail} in yet; these statements are added: {list}.",
                    "{name} のポリシーはまだ証跡 {trail} を許可していません。次のステートメントを追加します: {list}。",
                );
                self.good(about, says);
            }
            Adopted::Denied { action, by } => {
                let says = message!(
                    "The policy of {name} denies {action} to CloudTrail by its statement {by}: change that statement first.",
                    "{name} のポリシーのステートメント {by} が CloudTrail の {action} を拒否しています。先にそのステートメントを変更してください。",
                );
                self.wrong(about, says);
            }
            Adopted::Unreadable(fault) => {
                let says = message!(
                    "The policy of {name} cannot be added to: {fault}.",
                    "{name} のポリシーに追加できません: {fault}。",
                );
                self.wrong(about, says);
            }
        }
    }
}

/// All of a list of KMS, page by page.
async fn pages(client: &Client, operation: &str, member: &str) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let mut input = json!({});
    loop {
        let mut answer = client.json(Kms, operation, &input).await?;
        if let Value::Array(items) = answer[member].take() {
            all.extend(items);
        }
        match answer["NextMarker"].as_str() {
            Some(marker) if answer["Truncated"] == true => input = json!({ "Marker": marker }),
            _ => return Ok(all),
        }
    }
}
