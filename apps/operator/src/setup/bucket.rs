//! The bucket: made, found as an earlier run left it, or adopted.

use super::{
    Draft, KeyRef, Outcome,
    needs::{self, Adopted},
    place::same_policy,
    shown,
};
use crate::{
    aws::{Error, elements},
    change::Call,
    message,
    template::Tree,
    trail::{Bucket, DefaultEncryption, LifecycleRule, observe_bucket, policies},
};
use http::Method;
use policy::PolicyKind;
use serde_json::{Value, json};

/// What S3 says of the bucket.
pub(super) struct BucketFound {
    /// Its Region; the home Region of one that is still to be made.
    pub(super) region: String,
    /// Its policy's text; nothing when there is none, or it may not be read.
    policy: Option<String>,
    /// Whether it is known which policy it has.
    policy_known: bool,
    /// Its settings, when it is there and is the account's.
    settings: Option<Bucket>,
    /// Whether it is somebody else's, or may not be looked at.
    closed: bool,
    /// Whether nothing is in it.
    empty: bool,
}

impl BucketFound {
    /// Whether S3 may use one data key for many objects.
    pub(super) fn has_bucket_key(&self) -> bool {
        self.settings.as_ref().is_some_and(|bucket| bucket.bucket_key)
    }
}

impl Draft<'_> {
    pub(super) async fn bucket_found(&mut self) -> Result<BucketFound, Error> {
        let name = self.place.bucket.clone();
        let owner = [("x-amz-expected-bucket-owner", self.place.account.as_str())];
        let headers: &[(&str, &str)] = if self.definition.bucket.existing { &[] } else { &owner };
        let mut found = BucketFound {
            region: self.place.region.clone(),
            policy: None,
            policy_known: true,
            settings: None,
            closed: false,
            empty: false,
        };
        let head = self.client.s3(Method::HEAD, &name, "", "", headers, "").await;
        let head = match head {
            Ok(head) => head,
            Err(error) => match error.refused().map(|refused| refused.status) {
                Some(404) => return Ok(found),
                Some(_) => {
                    found.closed = true;
                    return Ok(found);
                }
                None => return Err(error),
            },
        };
        let region = head.header("x-amz-bucket-region");
        if !region.is_empty() {
            found.region = region.to_owned();
        }
        let client = self.client.in_region(&found.region);
        let policy = client.s3(Method::GET, &name, "", "policy=", &[], "").await;
        let unknown = self.checks.len();
        let policy = self.found("bucket", "s3:GetBucketPolicy", policy, &["NoSuchBucketPolicy"])?;
        found.policy_known = self.checks.len() == unknown;
        found.policy = policy.map(|answer| answer.text());
        let (settings, remarks) = observe_bucket(&client, &self.place.account, &name).await?;
        for remark in remarks.into_iter().filter(|remark| remark.contains("refused")) {
            self.check("bucket", Outcome::Unknown, crate::message::Message::plain(remark));
        }
        found.settings = Some(settings);
        let listed = client
            .s3(Method::GET, &name, "", "list-type=2&max-keys=1", &[], "")
            .await;
        let listed = self.found("bucket", "s3:ListBucket", listed, &[])?;
        found.empty = listed.is_some_and(|answer| elements(&answer.text(), "Key").is_empty());
        Ok(found)
    }

    pub(super) async fn bucket(&mut self, found: &BucketFound, key: Option<&KeyRef>) -> Result<(), Error> {
        let bucket = &self.definition.bucket;
        if bucket.existing {
            self.existing_bucket(found, key);
            return Ok(());
        }
        let name = self.place.bucket.clone();
        let region = self.place.region.clone();
        let policy = self.bucket_policy(bucket);
        if found.closed {
            let says = message!(
                "The name {name} is taken: the bucket is of another account, or you may not look at it. Give another --bucket.",
                "バケット名 {name} は使用済みです (他のアカウントのものか、参照権限がありません)。別の --bucket を指定してください。",
            );
            self.wrong("bucket", says);
            return Ok(());
        }
        let Some(present) = &found.settings else {
            let says = message!(
                "The bucket {name} is made in {region}; its name is free.",
                "バケット {name} を {region} に作成します。この名前は空いています。",
            );
            self.good("bucket", says);
            self.make_bucket(bucket, &policy, key);
            return Ok(());
        };
        let says_ours = found
            .policy
            .as_ref()
            .is_some_and(|present| same_policy(present, &policy));
        // What an interrupted run has left: a bucket without a policy and without anything in it.
        let was_begun = found.policy.is_none() && found.policy_known && found.empty;
        if found.region != region {
            let other = &found.region;
            let says = message!(
                "The bucket {name} is there already, in {other}: give another --bucket, or take it by --existing-bucket {name}.",
                "バケット {name} は {other} に存在します。別の --bucket を指定するか、--existing-bucket {name} で使ってください。",
            );
            self.wrong("bucket", says);
        } else if says_ours || was_begun {
            let says = message!(
                "The bucket {name} is there as an earlier run has left it.",
                "バケット {name} は以前の実行で作成済みです。",
            );
            self.good("bucket", says);
            self.complete_bucket(bucket, present, key);
            if !says_ours {
                self.put_policy(&policy, None);
            }
        } else {
            let says = message!(
                "The bucket {name} is there already and is not of this setup: give another --bucket, or take it by --existing-bucket {name}.",
                "バケット {name} はすでに存在し、この設定で作られたものではありません。別の --bucket を指定するか、--existing-bucket {name} で使ってください。",
            );
            self.wrong("bucket", says);
        }
        Ok(())
    }

    fn bucket_policy(&self, bucket: &Bucket) -> String {
        let prefix = bucket.prefix.as_deref();
        let policy = match &bucket.policy {
            Some(policy) => policy.clone(),
            None if self.order.console_policies => policies::console_bucket(prefix),
            None => policies::bucket(&self.let_in(), prefix),
        };
        self.place.document(&policy)
    }

    fn of_bucket(&self, operation: &str, members: Value) -> Call {
        let mut input = json!({ "Bucket": self.place.bucket });
        if let (Value::Object(input), Value::Object(members)) = (&mut input, members) {
            input.extend(members);
        }
        self.call("s3", operation, input)
    }

    fn make_bucket(&mut self, bucket: &Bucket, policy: &str, key: Option<&KeyRef>) {
        let (name, region) = (self.place.bucket.clone(), self.place.region.clone());
        let place = match region.as_str() {
            "us-east-1" => json!({}),
            region => json!({ "CreateBucketConfiguration": { "LocationConstraint": region } }),
        };
        let title = message!(
            "Make the bucket {name} in {region}.",
            "バケット {name} を {region} に作成します。"
        );
        let undo = self.of_bucket("DeleteBucket", json!({}));
        self.step(title, self.of_bucket("CreateBucket", place), vec![undo]);
        // What every new bucket has.
        let fresh = Bucket {
            versioning: false,
            private: false,
            ownership: None,
            ..Bucket::default()
        };
        self.complete_bucket(bucket, &fresh, key);
        self.put_policy(policy, None);
    }

    fn put_policy(&mut self, policy: &str, former: Option<&str>) {
        let name = self.place.bucket.clone();
        let put = |draft: &Self, text: &str| draft.of_bucket("PutBucketPolicy", json!({ "Policy": text }));
        let undo = match former {
            Some(former) => put(self, former),
            None => self.of_bucket("DeleteBucketPolicy", json!({})),
        };
        let title = message!(
            "Let the trail put log files into the bucket {name}.",
            "証跡がバケット {name} にログファイルを書き込めるようにします。",
        );
        let what = message!("The policy of the bucket {name}", "バケット {name} のポリシー");
        let call = put(self, policy);
        self.step(title, call, vec![undo]).shown = shown(what, former.unwrap_or_default(), policy);
    }

    /// The settings that are not yet as they are wanted. A bucket that this change makes is deleted as a whole when it is taken back,
    /// and one that an interrupted run has left is nobody's yet: no setting has to be put back.
    fn complete_bucket(&mut self, bucket: &Bucket, present: &Bucket, key: Option<&KeyRef>) {
        let name = self.place.bucket.clone();
        if let Some(ownership) = bucket
            .ownership
            .as_ref()
            .filter(|wanted| present.ownership.as_ref() != Some(wanted))
        {
            let rules = json!({ "OwnershipControls": { "Rules": [{ "ObjectOwnership": ownership }] } });
            let title = message!(
                "Let the bucket's owner own all objects in {name} ({ownership}).",
                "{name} のオブジェクト所有者をバケット所有者にします ({ownership})。",
            );
            let call = self.of_bucket("PutBucketOwnershipControls", rules);
            self.step(title, call, Vec::new());
        }
        if bucket.private && !present.private {
            let all = json!({ "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
                "RestrictPublicBuckets": true });
            let title = message!(
                "Block all public access to the bucket {name}.",
                "バケット {name} へのパブリックアクセスをすべてブロックします。",
            );
            let call = self.of_bucket("PutPublicAccessBlock", json!({ "PublicAccessBlockConfiguration": all }));
            self.step(title, call, Vec::new());
        }
        if bucket.versioning && !present.versioning {
            let title = message!(
                "Keep older versions of objects in {name}.",
                "{name} のバージョニングを有効にします。",
            );
            let enabled = json!({ "VersioningConfiguration": { "Status": "Enabled" } });
            let call = self.of_bucket("PutBucketVersioning", enabled);
            self.step(title, call, Vec::new());
        }
        self.encrypt_bucket(bucket, present, key);
        self.rules_of_bucket(bucket, present);
    }

    fn encrypt_bucket(&mut self, bucket: &Bucket, present: &Bucket, key: Option<&KeyRef>) {
        let name = self.place.bucket.clone();
        let key_of = |encryption: &DefaultEncryption| match encryption {
            DefaultEncryption::S3 => None,
            DefaultEncryption::AwsManagedKey => Some(String::new()),
            DefaultEncryption::TrailKey => key.map(|key| key.arn.clone()),
            DefaultEncryption::Key(arn) => Some(self.place.text(arn)),
        };
        let (wanted, found) = (key_of(&bucket.encryption), key_of(&present.encryption));
        if wanted == found && bucket.bucket_key == present.bucket_key {
            return;
        }
        let title = message!(
            "Set the default encryption of the bucket {name}.",
            "バケット {name} のデフォルト暗号化を設定します。",
        );
        let call = self.encryption_call(wanted.as_deref(), bucket.bucket_key);
        self.step(title, call, Vec::new());
    }

    /// The call that sets the bucket's default encryption: by this key, by the account's key for S3 when it is empty, by S3's own
    /// without one.
    pub(super) fn encryption_call(&self, key: Option<&str>, bucket_key: bool) -> Call {
        let by_default = match key {
            None => json!({ "SSEAlgorithm": "AES256" }),
            Some("") => json!({ "SSEAlgorithm": "aws:kms" }),
            Some(arn) => json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn }),
        };
        let rule = json!({ "ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": bucket_key });
        let configuration = json!({ "Rules": [rule] });
        self.of_bucket(
            "PutBucketEncryption",
            json!({ "ServerSideEncryptionConfiguration": configuration }),
        )
    }

    fn rules_of_bucket(&mut self, bucket: &Bucket, present: &Bucket) {
        let name = self.place.bucket.clone();
        let rules = |rules: &[LifecycleRule]| -> Vec<Value> { rules.iter().map(|rule| self.lifecycle(rule)).collect() };
        let wanted = rules(&bucket.lifecycle);
        if !wanted.is_empty() && wanted != rules(&present.lifecycle) {
            let title = message!(
                "Set the lifecycle rules of the bucket {name}.",
                "バケット {name} のライフサイクルルールを設定します。",
            );
            let configuration = json!({ "LifecycleConfiguration": { "Rules": wanted } });
            let call = self.of_bucket("PutBucketLifecycleConfiguration", configuration);
            self.step(title, call, Vec::new());
        }
        let target = |bucket: &Bucket| {
            let log = bucket.access_log.as_ref();
            log.map(|log| (self.place.text(&log.bucket), self.place.text(&log.prefix)))
        };
        if let Some((to, prefix)) = target(bucket).filter(|wanted| Some(wanted) != target(present).as_ref()) {
            let title = message!(
                "Log the accesses to the bucket {name} in {to}.",
                "バケット {name} へのアクセスを {to} に記録します。",
            );
            let status = json!({ "LoggingEnabled": { "TargetBucket": to, "TargetPrefix": prefix } });
            let call = self.of_bucket("PutBucketLogging", json!({ "BucketLoggingStatus": status }));
            self.step(title, call, Vec::new());
        }
        if !bucket.tags.is_empty() && bucket.tags != present.tags {
            let tags = bucket
                .tags
                .iter()
                .map(|(name, value)| json!({ "Key": name, "Value": value }));
            let title = message!("Tag the bucket {name}.", "バケット {name} にタグを付けます。");
            let set: Vec<Value> = tags.collect();
            let call = self.of_bucket("PutBucketTagging", json!({ "Tagging": { "TagSet": set } }));
            self.step(title, call, Vec::new());
        }
    }

    fn lifecycle(&self, rule: &LifecycleRule) -> Value {
        let mut out = json!({
            "Status": if rule.disabled { "Disabled" } else { "Enabled" },
            "Filter": { "Prefix": rule.prefix },
        });
        if !rule.id.is_empty() {
            out["ID"] = self.place.text(&rule.id).into();
        }
        if let Some(days) = rule.expire_days {
            out["Expiration"] = json!({ "Days": days });
        }
        if let Some(days) = rule.noncurrent_expire_days {
            out["NoncurrentVersionExpiration"] = json!({ "NoncurrentDays": days });
        }
        if let Some(days) = rule.abort_upload_days {
            out["AbortIncompleteMultipartUpload"] = json!({ "DaysAfterInitiation": days });
        }
        if !rule.transitions.is_empty() {
            let transitions = rule.transitions.iter();
            out["Transitions"] = transitions
                .map(|transition| json!({ "Days": transition.days, "StorageClass": transition.storage_class }))
                .collect();
        }
        out
    }

    /// A bucket that is there gets just the statements that it lacks.
    fn existing_bucket(&mut self, found: &BucketFound, key: Option<&KeyRef>) {
        let name = self.place.bucket.clone();
        if found.closed {
            let says = message!(
                "The bucket {name} may not be looked at (s3:ListBucket): whether it lets CloudTrail in shows when the trail is made.",
                "バケット {name} を参照できません (s3:ListBucket)。CloudTrail が使えるかどうかは証跡の作成時に分かります。",
            );
            return self.check("bucket", Outcome::Unknown, says);
        }
        if found.settings.is_none() {
            let says = message!("There is no bucket {name}.", "バケット {name} はありません。");
            return self.wrong("bucket", says);
        }
        if !found.policy_known {
            // What cannot be read cannot be added to; it is said already.
            return;
        }
        let prefix = self.definition.bucket.prefix.as_deref();
        let key = key.map(|key| self.arn_of_key(key, &found.region));
        let need = |region: &String| {
            let place = self.place.in_region(region);
            let needs = needs::of_bucket(&place, prefix, key.as_deref());
            (place.trail_arn(&self.definition.name), needs)
        };
        let trails: Vec<_> = self.regions().iter().map(need).collect();
        let least: Tree = policies::bucket(&self.let_in(), prefix);
        let least = self.place.value(&least);
        let present = found.policy.as_deref();
        let adopted = needs::adopt(present, &least, PolicyKind::BucketPolicy, &trails, &self.place.account);
        self.adopted("bucket", &name, &adopted);
        if key.is_some() && self.definition.validation {
            self.plain_digests(&name, present, &least, prefix, &adopted);
        }
        if let Adopted::With { policy, .. } = adopted {
            let former = found.policy.clone();
            self.put_policy(&policy, former.as_deref());
            if let Some(step) = self.steps.last_mut() {
                step.call.region.clone_from(&found.region);
                step.undo
                    .iter_mut()
                    .for_each(|call| call.region.clone_from(&found.region));
            }
        }
    }

    /// Says when a policy keeps out digests that are sealed by S3's own keys: CloudTrail has sealed them so, whatever key the trail has,
    /// until May 2025, and some endpoints do still.
    fn plain_digests(
        &mut self,
        name: &str,
        present: Option<&str>,
        least: &Value,
        prefix: Option<&str>,
        adopted: &Adopted,
    ) {
        let present = match adopted {
            Adopted::AsItIs => present,
            Adopted::With { policy, .. } => Some(policy.as_str()),
            Adopted::Denied { .. } | Adopted::Unreadable(_) => return,
        };
        let need = |region: &String| {
            let place = self.place.in_region(region);
            (
                place.trail_arn(&self.definition.name),
                vec![needs::of_plain_digests(&place, prefix)],
            )
        };
        let trails: Vec<_> = self.regions().iter().map(need).collect();
        let account = &self.place.account;
        if let Adopted::Denied { by, .. } = needs::adopt(present, least, PolicyKind::BucketPolicy, &trails, account) {
            let says = message!(
                "The policy of {name} denies by its statement {by} what is sealed by S3's own keys. AWS seals digests by the trail's key since May \
                 2025; where they are still sealed by S3's own keys, as by shoseki's server, they would not be delivered.",
                "{name} のポリシーのステートメント {by} は S3 のキーで暗号化されたファイルを拒否します。AWS は 2025 年 5 月以降ダイジェストも証跡のキーで\
                 暗号化しますが、S3 のキーで暗号化する環境 (shoseki のサーバーなど) ではダイジェストが配信されません。",
            );
            self.check("bucket", Outcome::Unknown, says);
        }
    }
}
