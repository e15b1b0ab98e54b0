//! A record told as a story: who did what to what, from where, with what, for whom, and how it ended.

use super::{
    asked::only,
    list::{resource, short},
    look::Entry,
};
use crate::{
    ROOT,
    context::Context,
    page::{ago, facts},
    web::segment,
};
use base::arn;
use maud::{Markup, html};
use operator::{message, message::Message, shoseki::Outcome};
use serde_json::Value;

/// A record, read.
pub(super) struct Story<'a> {
    pub(super) entry: &'a Entry,
    pub(super) region: &'a str,
    pub(super) record: Value,
}

/// The text at this place; empty when there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Story<'_> {
    fn text(&self, pointer: &str) -> &str {
        text(&self.record, pointer)
    }

    /// Who called, as people say it.
    fn who(&self) -> Message {
        let account = self.text("/userIdentity/accountId");
        let name = self.text("/userIdentity/userName");
        let invoked_by = self.text("/userIdentity/invokedBy");
        let arn = self.text("/userIdentity/arn");
        let role = self.text("/userIdentity/sessionContext/sessionIssuer/userName");
        let session = arn.rsplit('/').next().unwrap_or_default();
        match self.text("/userIdentity/type") {
            "Root" => message!(
                "The root user of account {account}",
                "アカウント {account} のルートユーザー"
            ),
            "IAMUser" => message!("User {name}", "ユーザー {name}"),
            "AssumedRole" if !role.is_empty() => message!(
                "Role {role}, in its session {session}",
                "ロール {role}（セッション {session}）"
            ),
            "FederatedUser" => message!("The federated user {session}", "フェデレーテッドユーザー {session}"),
            "AWSService" => message!("The service {invoked_by}", "サービス {invoked_by}"),
            "AWSAccount" => message!(
                "A principal of account {account}",
                "アカウント {account} のプリンシパル"
            ),
            _ => match self.entry.event().principal() {
                who if who.is_empty() => message!("Somebody who is not known", "不明な呼び出し元"),
                who => Message::plain(short(&who)),
            },
        }
    }

    /// The whole story in a sentence.
    pub(super) fn sentence(&self) -> Message {
        let who = self.who();
        let (who_english, who_japanese) = both(&who);
        let (name, source) = (self.text("/eventName"), self.text("/eventSource"));
        let what = resource(self.entry);
        let (on_english, on_japanese) = match short(&what) {
            "" => (String::new(), String::new()),
            what => (format!(" on {what}"), format!("{what} に対して ")),
        };
        let code = self.text("/errorCode");
        let (end_english, end_japanese) = match self.entry.outcome() {
            Outcome::Succeeded => ("it succeeded".to_owned(), "成功しました".to_owned()),
            Outcome::Denied => (format!("it was denied ({code})"), format!("拒否されました（{code}）")),
            Outcome::Failed => (format!("it failed ({code})"), format!("失敗しました（{code}）")),
        };
        message!(
            "{who_english} called {name} of {source}{on_english}, and {end_english}.",
            "{who_japanese} が {on_japanese}{source} の {name} を呼び出し、{end_japanese}。"
        )
    }

    /// The parts of the story, each under its name.
    pub(super) fn told(&self, c: &Context) -> Markup {
        let mut rows = vec![
            (message!("When (UTC)", "日時 (UTC)"), self.when(c)),
            (message!("Who", "誰が"), self.told_who(c)),
            (message!("Did what", "何を"), self.told_what(c)),
        ];
        if let Some(things) = self.told_things(c) {
            rows.push((message!("To what", "何に対して"), things));
        }
        rows.push((message!("From where", "どこから"), self.told_where(c)));
        rows.push((message!("With", "認証"), self.told_with(c)));
        if let Some(behalf) = self.told_behalf(c) {
            rows.push((message!("On whose behalf", "誰のために"), behalf));
        }
        rows.push((message!("How it ended", "結果"), self.told_end(c)));
        rows.push((message!("Known as", "識別子"), self.told_ids(c)));
        facts(c, rows)
    }

    fn when(&self, c: &Context) -> Markup {
        let time = self.text("/eventTime");
        html! {
            time datetime=(time) { (time) }
            @if let Some(at) = self.entry.event().time() { div.aside { (c.t(&ago(c.now(), at))) } }
        }
    }

    fn told_who(&self, c: &Context) -> Markup {
        let arn = self.text("/userIdentity/arn");
        html! {
            (c.t(&self.who()))
            @if !arn.is_empty() { div.aside { code { (arn) } } }
            @if let Some(name) = &self.entry.username {
                div { a href=(only(self.region, &[("who", name)])) { (c.t(&message!("Events of {name}", "{name} のイベント"))) } }
            }
        }
    }

    fn told_what(&self, c: &Context) -> Markup {
        let (name, source) = (self.text("/eventName"), self.text("/eventSource"));
        let kind = match self.entry.event().read_only() {
            Some(true) => message!("It only reads.", "読み取りのみ"),
            Some(false) => message!("It may change something.", "変更を伴う操作"),
            None => Message::plain(""),
        };
        html! {
            a href=(only(self.region, &[("event", name)])) { (name) } div.aside { (source) " · " (self.text("/awsRegion")) }
            (c.t(&kind))
        }
    }

    fn told_things(&self, c: &Context) -> Option<Markup> {
        let named = self.entry.resources.iter().filter_map(|resource| {
            let name = resource.resource_name.as_deref()?;
            Some((name, resource.resource_type.as_deref().unwrap_or_default()))
        });
        let named: Vec<(&str, &str)> = named.collect();
        let event = self.entry.event();
        let other = event.resource();
        let thing = |name: &str, kind: &str| {
            html! {
                li {
                    @match page_of(self.region, name, kind) {
                        Some(page) => a href=(page) { (short(name)) },
                        None => code { (short(name)) },
                    }
                    " " span.aside { (kind) } " "
                    a href=(only(self.region, &[("resource", name)])) aria-label=(c.t(&message!("Events about {name}", "{name} のイベント"))) {
                        (c.t(&message!("events", "イベント")))
                    }
                }
            }
        };
        match (named.is_empty(), other.is_empty()) {
            (false, _) => Some(html! { ul.things { @for (name, kind) in &named { (thing(name, kind)) } } }),
            (true, false) => Some(html! { code { (other) } }),
            (true, true) => None,
        }
    }

    fn told_where(&self, c: &Context) -> Markup {
        let (ip, agent) = (self.text("/sourceIPAddress"), self.text("/userAgent"));
        let endpoint = self.text("/vpcEndpointId");
        html! {
            @if !ip.is_empty() { a href=(only(self.region, &[("ip", ip)])) { (ip) } }
            @if !agent.is_empty() { div.aside { (agent) } }
            @if !endpoint.is_empty() { div { (c.t(&message!("through VPC endpoint", "VPC エンドポイント"))) " " code { (endpoint) } } }
            @if !self.text("/tlsDetails/tlsVersion").is_empty() { div.aside { (self.text("/tlsDetails/tlsVersion")) } }
        }
    }

    fn told_with(&self, c: &Context) -> Markup {
        let key = self.text("/userIdentity/accessKeyId");
        let since = self.text("/userIdentity/sessionContext/attributes/creationDate");
        let mfa = self.text("/userIdentity/sessionContext/attributes/mfaAuthenticated");
        html! {
            @if key.is_empty() { (c.t(&message!("no access key", "アクセスキーなし"))) }
            @else { code { (key) } div { a href=(only(self.region, &[("key", key)])) { (c.t(&message!("Events of this key", "このキーのイベント"))) } } }
            @if !since.is_empty() { div { (c.t(&message!("session since {since}", "セッション開始 {since}"))) } }
            @match mfa {
                "true" => div { (c.t(&message!("with MFA", "MFA あり"))) },
                "false" => div { (c.t(&message!("without MFA", "MFA なし"))) },
                _ => {}
            }
        }
    }

    fn told_behalf(&self, c: &Context) -> Option<Markup> {
        let service = self.text("/userIdentity/invokedBy");
        let is_service = self.text("/userIdentity/type") == "AWSService";
        let issuer = self.text("/userIdentity/sessionContext/sessionIssuer/arn");
        let (caller, owner) = (self.text("/userIdentity/accountId"), self.text("/recipientAccountId"));
        let shared = self.text("/sharedEventID");
        let mut says = Vec::new();
        if !service.is_empty() && !is_service {
            says.push(message!(
                "{service} made the call, with the caller's rights.",
                "{service} が呼び出し元の権限で実行しました。"
            ));
        }
        if is_service {
            says.push(message!("The service acts for itself.", "サービス自身の動作です。"));
        }
        if !issuer.is_empty() {
            says.push(message!(
                "The session is one of {issuer}.",
                "セッションの発行元: {issuer}"
            ));
        }
        if !caller.is_empty() && !owner.is_empty() && caller != owner {
            says.push(message!(
                "Account {caller} called; what it is about belongs to account {owner}.",
                "アカウント {caller} が、アカウント {owner} のリソースに対して呼び出しました。"
            ));
        }
        if !shared.is_empty() {
            says.push(message!(
                "Other accounts have this event too, with the shared id {shared}.",
                "他のアカウントにも同じイベントがあります（共有 ID {shared}）。"
            ));
        }
        (!says.is_empty()).then(|| html! { @for one in &says { div { (c.t(one)) } } })
    }

    fn told_end(&self, c: &Context) -> Markup {
        html! {
            (super::list::ended(c, self.entry))
            @if let Some(says) = self.entry.event().error_message() { div { (says) } }
        }
    }

    fn told_ids(&self, c: &Context) -> Markup {
        let (event, request) = (self.text("/eventID"), self.text("/requestID"));
        html! {
            div { (c.t(&message!("event", "イベント"))) " " code { (event) } }
            @if !request.is_empty() { div { (c.t(&message!("request", "リクエスト"))) " " code { (request) } } }
        }
    }
}

fn both(message: &Message) -> (&str, &str) {
    use operator::message::Language::{English, Japanese};
    (message.in_language(English), message.in_language(Japanese))
}

/// The console's page of a thing, when it has one.
fn page_of(region: &str, name: &str, kind: &str) -> Option<String> {
    if kind == "AWS::S3::Bucket" && !name.contains('/') {
        return Some(format!("{ROOT}/buckets/{}", segment(name)));
    }
    let parts = arn::split(name)?;
    let region = Some(parts.region).filter(|region| !region.is_empty()).unwrap_or(region);
    let (kind, id) = parts.resource.split_once('/')?;
    match (parts.service, kind) {
        ("kms", "key") => Some(format!("{ROOT}/keys/{}/{}", segment(region), segment(id))),
        ("cloudtrail", "trail") => Some(format!("{ROOT}/trails/{}/{}", segment(region), segment(id))),
        _ => None,
    }
}

/// What a value has, each text or number under its path; so many at most, and whether that is all.
pub(super) fn flat(value: &Value, most: usize) -> (Vec<(String, String)>, bool) {
    let mut found = Vec::new();
    // What is still to be looked at, the next at the end.
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        if found.len() == most {
            return (found, false);
        }
        match value {
            Value::Object(members) if !members.is_empty() => {
                let below = |(name, value)| match path.as_str() {
                    "" => (String::clone(name), value),
                    path => (format!("{path}.{name}"), value),
                };
                let members: Vec<(String, &Value)> = members.iter().map(below).collect();
                open.extend(members.into_iter().rev());
            }
            Value::Array(items) if !items.is_empty() => {
                let below = |(at, value)| (format!("{path}[{at}]"), value);
                let items: Vec<(String, &Value)> = items.iter().enumerate().map(below).collect();
                open.extend(items.into_iter().rev());
            }
            Value::String(text) => found.push((path, text.clone())),
            other => found.push((path, other.to_string())),
        }
    }
    (found, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_told_by_their_paths_in_order() {
        let value = json!({"a": {"b": [1, "<i>"], "c": {}}, "d": null});
        let (found, all) = flat(&value, 10);
        let told: Vec<String> = found.iter().map(|(path, text)| format!("{path}={text}")).collect();
        assert_eq!(told, ["a.b[0]=1", "a.b[1]=<i>", "a.c={}", "d=null"]);
        assert!(all);
        assert_eq!(flat(&value, 2).0.len(), 2);
        assert!(!flat(&value, 2).1);
    }

    #[test]
    fn things_have_their_pages() {
        let check = |name: &str, kind: &str, expected: Option<&str>| {
            assert_eq!(page_of("us-east-1", name, kind).as_deref(), expected, "{name}");
        };
        check("logs", "AWS::S3::Bucket", Some("/console/buckets/logs"));
        check(
            "arn:aws:kms:eu-west-1:000000000000:key/1-2",
            "AWS::KMS::Key",
            Some("/console/keys/eu-west-1/1-2"),
        );
        check(
            "arn:aws:cloudtrail:eu-west-1:000000000000:trail/a",
            "AWS::CloudTrail::Trail",
            Some("/console/trails/eu-west-1/a"),
        );
        check("arn:aws:iam::000000000000:user/a", "AWS::IAM::User", None);
        check("\"><script>", "x", None);
    }
}
