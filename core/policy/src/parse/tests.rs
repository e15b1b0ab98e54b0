//! What the grammar refuses, and where it says so.

use super::*;

#[track_caller]
fn check(kind: PolicyKind, text: &str, at: &str, what: Malformed) {
    let error = Policy::parse(text, kind).map(|_| ()).unwrap_err();
    assert_eq!((error.at.as_str(), &error.what), (at, &what), "{text}");
}

/// `statement` in place of the first of two.
#[track_caller]
fn check_statement(kind: PolicyKind, statement: &str, at: &str, what: Malformed) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
    check(kind, &text, at, what);
}

#[test]
fn documents() {
    use Malformed::*;
    use PolicyKind::*;
    for (kind, text, at, what) in [
        (Identity, "", "", NotJson { offset: 0 }),
        (Identity, "[]", "", NotJson { offset: 0 }),
        (
            Identity,
            r#"{"Version":1}"#,
            "Version",
            WrongType { expected: "a string" },
        ),
        (Identity, "{}", "", MissingStatement),
        (Identity, r#"{"Statement":[]}"#, "Statement", EmptyStatement),
        (
            Identity,
            r#"{"Statement":["a"]}"#,
            "Statement[0]",
            WrongType { expected: "an object" },
        ),
        (
            Identity,
            r#"{"Statement":"a"}"#,
            "Statement",
            WrongType { expected: "an object" },
        ),
        (
            Identity,
            r#"{"Version":"2012-10-18"}"#,
            "Version",
            BadVersion {
                text: "2012-10-18".into(),
            },
        ),
        (
            Identity,
            r#"{"version":"2012-10-17"}"#,
            "",
            UnknownField { name: "version".into() },
        ),
        (
            Identity,
            r#"{"Id":"a","Id":"a"}"#,
            "",
            DuplicateField { name: "Id".into() },
        ),
        (BucketPolicy, r#" {"Statement":[]}"#, "", NotJson { offset: 0 }),
        (KeyPolicy, r#"{"Id":"証跡"}"#, "", InvalidCharacter { offset: 7 }),
        (
            Trust,
            r#"{"Statement":{"Effect":"Allow"}}"#,
            "Statement",
            MissingPrincipal,
        ),
    ] {
        check(kind, text, at, what);
    }
    check(Identity, "{\"Version\":\n  nonsense}", "", NotJson { offset: 15 });
    // The place is never inside a letter.
    check(Identity, "{\"é", "", NotJson { offset: 2 });
    let long = format!(r#"{{"Id":"{}"}}"#, "a".repeat(2048));
    check(Trust, &long, "", TooLong { size: 2057, max: 2048 });
    let spaces = format!(r#"{{"Statement":[]{}}}"#, " ".repeat(4096));
    check(Session, &spaces, "Statement", EmptyStatement);
}

#[test]
fn statements() {
    use Malformed::*;
    use PolicyKind::*;
    const FIRST: &str = "Statement[0]";
    let text = |text: &str| text.to_owned();
    for (kind, statement, at, what) in [
        (Identity, r#""Action":"*","Resource":"*""#, "", MissingEffect),
        (
            Identity,
            r#""Effect":"allow""#,
            ".Effect",
            InvalidEffect { text: text("allow") },
        ),
        (Identity, r#""Effect":"Allow","Resource":"*""#, "", MissingAction),
        (
            Identity,
            r#""Effect":"Allow","Action":[],"Resource":"*""#,
            ".Action",
            MissingAction,
        ),
        (Identity, r#""Effect":"Allow","Action":"*""#, "", MissingResource),
        (Identity, r#""Effect":"Allow","Principal":"*""#, "", ProhibitedPrincipal),
        (
            Identity,
            r#""Effect":"Allow","Sid":"a b""#,
            ".Sid",
            InvalidSid { sid: text("a b") },
        ),
        (
            Identity,
            r#""Effect":"Allow","Action":"s3""#,
            ".Action",
            InvalidAction { text: text("s3") },
        ),
        (
            Identity,
            r#""Effect":"Allow","Action":"s3:a b""#,
            ".Action",
            InvalidAction { text: text("s3:a b") },
        ),
        (
            Identity,
            r#""Effect":"Allow","NotAction":":a""#,
            ".NotAction",
            InvalidAction { text: text(":a") },
        ),
        (
            Identity,
            r#""Effect":"Allow","Action":"*","NotAction":"*""#,
            "",
            Contradiction { element: "Action" },
        ),
        (
            Identity,
            r#""Effect":"Allow","Action":1"#,
            ".Action",
            WrongType { expected: "a string" },
        ),
        (
            Identity,
            r#""Effect":"Allow","Efect":"Allow""#,
            "",
            UnknownField { name: text("Efect") },
        ),
        (
            Trust,
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
            "",
            ProhibitedResource,
        ),
        (
            BucketPolicy,
            r#""Effect":"Allow","Principal":"*","Action":"ec2:*""#,
            ".Action",
            InvalidAction { text: text("ec2:*") },
        ),
        (
            BucketPolicy,
            r#""Effect":"Allow","Principal":"*","Action":"s3:*""#,
            "",
            MissingResource,
        ),
        (
            BucketPolicy,
            r#""Effect":"Allow","Action":"s3:*""#,
            "",
            MissingPrincipal,
        ),
    ] {
        check_statement(kind, statement, &format!("{FIRST}{at}"), what);
    }
    let twice = r#"{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    check(Identity, twice, "Statement[1].Sid", DuplicateSid { sid: text("a") });
}

#[test]
fn principals_resources_and_conditions() {
    use Malformed::*;
    use PolicyKind::*;
    let text = |text: &str| text.to_owned();
    let principal = |value: &str, kind: &str, bad: &str| {
        let statement = format!(r#""Effect":"Allow","Principal":{value}"#);
        let what = InvalidPrincipal {
            kind: text(kind),
            text: text(bad),
        };
        check_statement(KeyPolicy, &statement, "Statement[0].Principal", what);
    };
    principal(r#""alice""#, "", "alice");
    principal(r#"{}"#, "", "");
    principal(r#"{"AWS":[]}"#, "", "");
    principal(r#"{"AWS":["*","alice"]}"#, "AWS", "alice");
    principal(r#"{"Service":"*"}"#, "Service", "*");
    principal(r#"{"CanonicalUser":"79a5"}"#, "CanonicalUser", "79a5");
    principal(r#"{"Aws":"*"}"#, "Aws", "*");
    let resource = |kind: PolicyKind, value: &str, what: Malformed| {
        let who = if kind.has_principal() {
            r#""Principal":"*","#
        } else {
            ""
        };
        let statement = format!(r#""Effect":"Allow",{who}"Action":"*","Resource":"{value}""#);
        check_statement(kind, &statement, "Statement[0].Resource", what);
    };
    resource(Identity, "bucket", InvalidResource { text: text("bucket") });
    resource(
        BucketPolicy,
        "arn:aws:kms:::x",
        InvalidResource {
            text: text("arn:aws:kms:::x"),
        },
    );
    resource(Identity, "arn:aws:s3:::${x", InvalidVariable { text: text("${x") });
    let partition = InvalidPartition {
        partition: text("x"),
        text: text("arn:x:s3:::b"),
    };
    resource(Identity, "arn:x:s3:::b", partition);
    let condition = |value: &str, at: &str, what: Malformed| {
        let statement = format!(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{value}"#);
        check_statement(Identity, &statement, &format!("Statement[0].Condition{at}"), what);
    };
    condition(r#"[]"#, "", WrongType { expected: "an object" });
    condition(
        r#"{"StringIs":{"a:b":"c"}}"#,
        ".StringIs",
        UnknownOperator { name: text("StringIs") },
    );
    condition(
        r#"{"Bool":{"b":"true"}}"#,
        ".Bool",
        InvalidConditionKey { key: text("b") },
    );
    condition(
        r#"{"Bool":{"a:b":{}}}"#,
        ".Bool.a:b",
        WrongType { expected: "a string" },
    );
    condition(
        r#"{"Bool":{"a:b":"maybe"}}"#,
        ".Bool.a:b",
        InvalidConditionValue {
            operator: text("Bool"),
            text: text("maybe"),
        },
    );
}

#[test]
fn the_policies_of_organizations() {
    use Malformed::*;
    use PolicyKind::*;
    let text = |text: &str| text.to_owned();
    for kind in [ServiceControl, ResourceControl] {
        check(kind, r#"{"Statement":[]}"#, "", MissingVersion);
        let old = r#"{"Version":"2008-10-17","Statement":[]}"#;
        let what = BadVersion {
            text: text("2008-10-17"),
        };
        check(kind, old, "Version", what);
    }
    for (statement, at, what) in [
        (
            r#""Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*""#,
            "",
            UnsupportedElement { name: "NotPrincipal" },
        ),
        (
            r#""Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*""#,
            "",
            UnsupportedElement { name: "NotAction" },
        ),
        (
            r#""Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*""#,
            ".Principal",
            InvalidPrincipal {
                kind: text(""),
                text: text(""),
            },
        ),
        (
            r#""Effect":"Deny","Principal":"*","Action":"*","Resource":"*""#,
            ".Action",
            InvalidAction { text: text("*") },
        ),
        (
            r#""Effect":"Deny","Principal":"*","Action":"*:Get","Resource":"*""#,
            ".Action",
            InvalidAction { text: text("*:Get") },
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#,
            ".Effect",
            ProhibitedAllow,
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"true"}}"#,
            ".Effect",
            ProhibitedAllow,
        ),
        (
            r#""Effect":"Deny","Principal":"*","Action":"s3:*""#,
            "",
            MissingResource,
        ),
        (
            r#""Effect":"Deny","Action":"s3:*","Resource":"*""#,
            "",
            MissingPrincipal,
        ),
    ] {
        check_statement(ResourceControl, statement, &format!("Statement[0]{at}"), what);
    }
    check_statement(
        ServiceControl,
        r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#,
        "Statement[0]",
        ProhibitedPrincipal,
    );
    for (kind, statement) in [
        (
            ResourceControl,
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
        ),
        (
            ResourceControl,
            r#""Effect":"Deny","Principal":"*","Action":["s3:*","sts:Get?"],"NotResource":"arn:aws:s3:::b/*""#,
        ),
        (
            ServiceControl,
            r#""Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::b/*","Condition":{"Bool":{"a:b":"true"}}"#,
        ),
    ] {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#);
        assert!(Policy::parse(&text, kind).is_ok(), "{text}");
    }
    // White space counts.
    let spaces = format!(r#"{{"Version":"2012-10-17",{}"Statement":[]}}"#, " ".repeat(5_120));
    let size = spaces.len();
    check(ResourceControl, &spaces, "", TooLong { size, max: 5_120 });
    check(ServiceControl, &spaces, "Statement", EmptyStatement);
}

#[test]
fn who_may_be_named_depends_on_the_kind() {
    use PolicyKind::*;
    const PROVIDER: &str = r#"{"Federated":"arn:aws:iam::111111111111:saml-provider/p"}"#;
    for (kind, element, name, taken) in [
        (Trust, "Principal", PROVIDER, true),
        (KeyPolicy, "Principal", PROVIDER, false),
        (BucketPolicy, "Principal", PROVIDER, false),
        (Trust, "NotPrincipal", r#"{"AWS":"111111111111"}"#, false),
        (KeyPolicy, "NotPrincipal", r#"{"AWS":"111111111111"}"#, true),
        (
            BucketPolicy,
            "Principal",
            r#"{"Service":"s3.ap-east-1.amazonaws.com"}"#,
            true,
        ),
        (
            BucketPolicy,
            "Principal",
            r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
            false,
        ),
    ] {
        let on = if kind == Trust {
            ""
        } else {
            r#","Resource":"arn:aws:s3:::b""#
        };
        let text = format!(r#"{{"Statement":{{"Effect":"Deny","{element}":{name},"Action":"s3:*"{on}}}}}"#);
        assert_eq!(Policy::parse(&text, kind).is_ok(), taken, "{kind:?} {text}");
    }
}

#[test]
fn only_policies_of_identities_and_organizations_complete_arns() {
    let text = |arn: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"s3:*","Resource":"{arn}"}}}}"#)
    };
    for (arn, complete) in [
        ("arn:aws:s3:::b", true),
        ("arn:aws:s3:*:*:${a:b, 'x:y'}", true),
        ("arn:aws:s3", false),
        ("arn:*", false),
        ("arn:aws:s3:::", true),
    ] {
        assert_eq!(
            Policy::parse(&text(arn), PolicyKind::Session).is_ok(),
            complete,
            "{arn}"
        );
        for kind in [
            PolicyKind::Identity,
            PolicyKind::PermissionsBoundary,
            PolicyKind::ServiceControl,
        ] {
            assert!(Policy::parse(&text(arn), kind).is_ok(), "{arn}");
        }
    }
}

#[test]
fn print_is_in_normal_form() {
    let text = r#"{"Statement":[ {"Condition":{"NumericEquals":{"a:b":[1]},"Bool":{"a:c":true,"a:d":["true","false"]}},
        "Resource":["*"],"NotAction":["s3:Get*","kms:*"],"Principal":{"Service":"s3.amazonaws.com","AWS":["*"]},
        "Effect":"Deny","Sid":"証"} ],"Id":"x","Version":"2012-10-17"}"#;
    let escaped = text.replace('証', r"\u8a3c");
    let printed = r#"{"Version":"2012-10-17","Statement":{"Sid":"SID","Effect":"Deny","Principal":{"Service":"s3.amazonaws.com","AWS":"*"},"NotAction":["s3:Get*","kms:*"],"Resource":"*","Condition":{"NumericEquals":{"a:b":"1"},"Bool":{"a:c":"true","a:d":["true","false"]}}}}"#;
    let policy = Policy::parse(&escaped, PolicyKind::KeyPolicy).unwrap();
    assert_eq!(policy.to_json(), printed.replace("SID", r"\u8a3c"));
    assert_eq!(policy.document(), escaped);
    // What a key policy may lack is not invented.
    for inert in [
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":"*","NotAction":[],"Resource":[]}}"#,
    ] {
        assert_eq!(Policy::parse(inert, PolicyKind::KeyPolicy).unwrap().to_json(), inert);
    }
}

#[test]
fn a_policy_tells_whom_it_names() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":
        ["*","123456789012","arn:aws:iam::123456789012:user/u","arn:aws:iam::123456789012:root"],
        "Service":"s3.amazonaws.com"}}}"#;
    let policy = Policy::parse(text, PolicyKind::KeyPolicy).unwrap();
    assert_eq!(
        policy.named_principals().collect::<Vec<_>>(),
        ["arn:aws:iam::123456789012:user/u"]
    );
    assert_eq!(policy.named_accounts().count(), 2);
    assert_eq!(policy.statements().len(), 1);
}
