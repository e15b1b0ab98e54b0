//! What is written: goldens, and that every text comes back as it was.
//!
//! `cargo xtask bless -p operator` writes the goldens anew; the change is then to be read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use operator::{
    template::{self, Format, Text, Tree},
    trail::{Definition, Notation},
};
use std::path::PathBuf;

/// Every part of a definition, with names that need care.
const EVERYTHING: &str = r#"
name: audit
region: ap-northeast-1
account: "012345678901"
all_regions: true
bucket:
  name: logs-{account}
  prefix: "a b/$(c) it's $d"
  encryption: trail_key
  bucket_key: true
  lifecycle:
    - { id: end, expire_days: 1095, noncurrent_expire_days: 1, abort_upload_days: 7 }
    - { id: cold, prefix: old/, disabled: true, transitions: [{ days: 90, storage_class: GLACIER }] }
  access_log: { bucket: "access-logs-{account}", prefix: trail/ }
  tags: { owner: "sec: \"ops\" $HOME `id` \\ %{x}", "no": "yes" }
key:
  alias: alias/audit
  description: "Seals: 'everything' & $more # of it"
  rotation_days: 180
  multi_region: true
  readers: ["arn:{partition}:iam::{account}:role/auditor"]
  tags: { level: "1" }
logs: { group: "/audit/{region}", retention_days: 365, role: "Audit-{region}", role_path: /service/, key: "arn:{partition}:kms:{region}:{account}:key/x" }
topic: { name: audit }
event_selectors:
  - ReadWriteType: WriteOnly
    ExcludeManagementEventSources: [kms.amazonaws.com]
    DataResources: [{ Type: "AWS::S3::Object", Values: ["arn:{partition}:s3:::secret/"] }]
insights: [ApiCallRateInsight]
tags: { "日本": "書跡" }
"#;

/// The opposite: nothing is made but the trail.
const EXISTING: &str = r#"
name: audit
all_regions: false
global_events: false
logging: false
validation: false
bucket: { name: there, existing: true }
key: { existing: "arn:aws:kms:us-east-1:012345678901:key/x" }
logs: { group: there, existing: true, existing_role: "arn:aws:iam::012345678901:role/there" }
topic: { name: "arn:aws:sns:us-east-1:012345678901:there", existing: true }
advanced_event_selectors:
  - Name: writes
    FieldSelectors:
      - { Field: eventCategory, Equals: [Management] }
      - { Field: readOnly, NotEquals: ["true"] }
"#;

const FORMATS: [(Format, &str); 3] = [
    (Format::CloudFormation, "yaml"),
    (Format::Terraform, "tf"),
    (Format::Cli, "sh"),
];

fn definitions() -> [(&'static str, Definition); 3] {
    let read = |text| Definition::parse(text, Notation::Yaml).unwrap();
    [
        ("default", Definition::default()),
        ("everything", read(EVERYTHING)),
        ("existing", read(EXISTING)),
    ]
}

fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    #[expect(clippy::disallowed_methods, reason = "asked for on the command line of a test")]
    if std::env::var_os("SHOSEKI_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{} differs from what is written now:\n{text}",
        path.display()
    );
}

#[test]
fn what_is_written_is_what_was_read_and_approved() {
    for (name, definition) in definitions() {
        for (format, end) in FORMATS {
            let text = template::write(&definition, format, &["A remark".to_owned()]).unwrap();
            golden(&format!("{name}.{end}"), &text);
        }
    }
    golden("per-region-trail.yaml", &template::per_region_trail());
}

/// Terraform's own language reads it, and texts are in it as they were.
#[test]
fn terraform_is_hcl() {
    for (name, definition) in definitions() {
        let text = template::write(&definition, Format::Terraform, &[]).unwrap();
        let body = hcl::parse(&text).unwrap_or_else(|fault| panic!("{name}: {fault}\n{text}"));
        assert!(body.blocks().any(|block| {
            block.identifier() == "resource"
                && block
                    .labels()
                    .first()
                    .is_some_and(|label| label.as_str() == "aws_cloudtrail")
        }));
        let tags = &definition.bucket.tags;
        if let Some(owner) = tags.get("owner") {
            let bucket = body
                .blocks()
                .find(|block| block.labels().first().is_some_and(|l| l.as_str() == "aws_s3_bucket"));
            let found = bucket
                .unwrap()
                .body()
                .attributes()
                .find(|attribute| attribute.key() == "tags")
                .unwrap();
            let found: hcl::Value = hcl::eval::Evaluate::evaluate(found.expr(), &hcl::eval::Context::new()).unwrap();
            let found = found
                .as_object()
                .and_then(|tags| tags.get("owner"))
                .and_then(hcl::Value::as_str);
            assert_eq!(found, Some(owner.as_str()));
        }
    }
}

/// The product's own reader of templates takes what is written, and finds every reference.
#[test]
fn cloudformation_is_a_template() {
    let texts = definitions().map(|(_, definition)| template::write(&definition, Format::CloudFormation, &[]).unwrap());
    for text in texts.into_iter().chain([template::per_region_trail()]) {
        let documents = saphyr::LoadableYamlNode::load_from_str(&text);
        let documents: Vec<saphyr::Yaml<'_>> = documents.unwrap_or_else(|fault| panic!("{fault}\n{text}"));
        assert_eq!(documents.len(), 1);
    }
}

#[test]
fn the_same_definition_gives_the_same_text() {
    for (_, definition) in definitions() {
        for (format, _) in FORMATS {
            let write = || template::write(&definition, format, &[]).unwrap();
            assert_eq!(write(), write());
        }
    }
}

#[test]
fn what_aws_would_refuse_is_refused_with_what_to_do() {
    let long = format!("key: {{ alias: alias/{} }}", "a".repeat(251));
    let most = format!("key: {{ alias: alias/{} }}", "a".repeat(250));
    for (text, words) in [
        ("bucket: { prefix: 'a*' }", "the prefix holds `*`"),
        ("bucket: { prefix: 'a?b' }", "the prefix holds `?`"),
        ("bucket: { prefix: '${aws:username}' }", "the prefix holds `${`"),
        ("bucket: { prefix: 'a/' }", "without a slash"),
        (
            "bucket: { lifecycle: [{ id: x, expire_days: 0 }] }",
            "expire_days of the lifecycle rule `x` must be at least 1",
        ),
        (
            "bucket: { lifecycle: [{ expire_days: 9, noncurrent_expire_days: 0 }] }",
            "noncurrent_expire_days",
        ),
        ("bucket: { lifecycle: [{ abort_upload_days: 0 }] }", "abort_upload_days"),
        ("bucket: { lifecycle: [{ id: x }] }", "does nothing"),
        ("key: { alias: 'alias/a b' }", "letters, digits"),
        ("key: { alias: 'alias/a.{account}' }", "letters, digits"),
        ("key: { alias: alias/aws/s3 }", "not with `alias/aws/`"),
        (&long, "at most 256"),
    ] {
        let fault = Definition::parse(text, Notation::Yaml).unwrap_err();
        assert!(fault.to_string().contains(words), "{text}: {fault}");
    }
    for text in [
        "bucket: { prefix: 'a$b{c}' }",
        "key: { alias: 'alias/a-{account}/b_C' }",
        &most,
    ] {
        Definition::parse(text, Notation::Yaml).unwrap().check().unwrap();
    }
}

/// The statements of the key's policy, by their names, as JSON.
fn key_statements(definition: &str) -> Vec<(String, String)> {
    let definition = Definition::parse(definition, Notation::Yaml).unwrap();
    let script = template::write(&definition, Format::Cli, &[]).unwrap();
    let (_, rest) = script.split_once("/key-policy.json\" <<JSON\n").unwrap();
    let (document, _) = rest.split_once("\nJSON\n").unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let statements = document["Statement"].as_array().unwrap().clone();
    let named = |statement: serde_json::Value| (statement["Sid"].as_str().unwrap().to_owned(), statement.to_string());
    statements.into_iter().map(named).collect()
}

/// With a Bucket Key, KMS is asked with the bucket's ARN for its context, not with the trail's.
#[test]
fn a_bucket_key_may_be_used_where_there_may_be_one() {
    let bucket_key = |definition: &str| {
        let statements = key_statements(definition).into_iter();
        statements
            .filter(|(sid, _)| sid.contains("Bucket Key"))
            .collect::<Vec<_>>()
    };
    assert!(bucket_key("key: { readers: ['arn:aws:iam::012345678901:role/x'] }").is_empty());
    for bucket in [
        "bucket: { name: here, bucket_key: true }",
        "bucket: { name: here, existing: true }",
    ] {
        let found = bucket_key(bucket);
        let [(_, makes), (_, opens)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(
            makes.contains("kms:GenerateDataKey*") && makes.contains("aws:SourceArn"),
            "{makes}"
        );
        let bound = r#""kms:EncryptionContext:aws:s3:arn":"arn:${partition}:s3:::here""#;
        assert!(makes.contains(bound), "{makes}");
        assert!(
            opens.contains("kms:Decrypt") && opens.contains("aws:SourceArn"),
            "{opens}"
        );
        assert!(!opens.contains("EncryptionContext"), "{opens}");
        let readers = format!("{bucket}\nkey: {{ readers: ['arn:aws:iam::012345678901:role/x'] }}");
        assert!(
            bucket_key(&readers)
                .iter()
                .any(|(_, text)| text.contains("role/x") && text.contains(bound))
        );
    }
}

/// Without a Region the script says what to set, and asks nobody.
#[test]
fn a_script_without_a_region_says_so() {
    let script = template::write(&Definition::default(), Format::Cli, &[]).unwrap();
    // A CLI without settings: `aws configure get` finds nothing, which is an error.
    let done = std::process::Command::new("bash")
        .args(["-c", &format!("aws() {{ return 1; }}\n{script}")])
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.code() == Some(1) && said.contains("no Region is set"),
        "{said}"
    );
}

#[test]
fn a_document_keeps_its_texts() {
    let tree = Tree::map([("Sid", Tree::Text(Text::parse("a {account} \"b\"")))]);
    assert_eq!(
        tree.json(&|text| text.to_string()),
        "{\n  \"Sid\": \"a {account} \"b\"\"\n}"
    );
}
