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
  prefix: "a b/$(c) it's ${d}"
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
fn a_document_keeps_its_texts() {
    let tree = Tree::map([("Sid", Tree::Text(Text::parse("a {account} \"b\"")))]);
    assert_eq!(
        tree.json(&|text| text.to_string()),
        "{\n  \"Sid\": \"a {account} \"b\"\"\n}"
    );
}
