//! What puts a finding right: the calls, planned one after the other on what the calls before them leave.

mod bucket;
mod delivery;
mod key;
mod trail;

use super::{Finding, Fix, Status};
use crate::{
    change::{Call, Shown, Step},
    message::Message,
    survey::{Survey, Trail},
};
use serde_json::Value;

/// What a fix has to be told.
#[derive(Clone, Debug, Default)]
pub struct FixOptions {
    /// The ARN of the key for trails and buckets without one.
    pub key: Option<String>,
    /// The bucket that accesses are to be logged to.
    pub access_log_bucket: Option<String>,
    /// The tags for trails without them.
    pub tags: Vec<(String, String)>,
    /// Whether S3 is called without TLS. Then nobody is made to use it: the caller would be locked out, too.
    pub without_tls: bool,
}

/// What a fix is planned on: the survey as it is after the steps so far.
struct Bench<'a> {
    survey: Survey,
    options: &'a FixOptions,
}

/// How each failed finding is put right, in their order. What an earlier fix has put right already needs no more steps.
pub fn fixes<'f>(findings: &[&'f Finding], survey: &Survey, options: &FixOptions) -> Vec<(&'f Finding, Fix)> {
    let mut bench = Bench {
        survey: survey.clone(),
        options,
    };
    let failed = findings.iter().filter(|finding| finding.status == Status::Failed);
    failed.map(|finding| (*finding, bench.fix(finding))).collect()
}

impl Bench<'_> {
    fn fix(&mut self, finding: &Finding) -> Fix {
        let id = finding.resource.id.as_str();
        let steps = match finding.control.id {
            "CloudTrail.1" => self.multi_region(),
            "CloudTrail.2" => self.encryption(id),
            "CloudTrail.3" => self.start(),
            "CloudTrail.4" => self.validation(id),
            "CloudTrail.9" => self.tags(id),
            "S3.22" => self.objects(true, false),
            "S3.23" => self.objects(true, true),
            "cloudtrail-s3-dataevents-enabled" => self.objects(false, true),
            "cloudtrail-security-trail-enabled" => self.security_trail(),
            "CloudTrail.6" => self.block_public_access(id),
            "CloudTrail.7" => self.access_logging(id),
            "S3.5" => self.tls_only(id),
            "S3.17" => self.default_encryption(id, true),
            "s3-bucket-server-side-encryption-enabled" => self.default_encryption(id, false),
            "KMS.3" | "Shoseki.KeyState" => self.enable_key(id),
            "KMS.4" => self.rotation(id),
            "Shoseki.Delivery" => self.delivery(id),
            _ => Err(None),
        };
        match steps {
            Ok(steps) => Fix::Steps(steps),
            Err(manual) => Fix::Manual(manual.unwrap_or_else(|| finding.control.remedy())),
        }
    }

    /// The account's own trails, the multi-Region ones first.
    fn own_trails(&self) -> Vec<Trail> {
        let account = &self.survey.account;
        let mut own: Vec<Trail> = self
            .survey
            .trails
            .iter()
            .filter(|trail| trail.account() == account)
            .cloned()
            .collect();
        own.sort_by_key(|trail| !trail.multi_region);
        own
    }

    fn trail_mut(&mut self, arn: &str) -> Option<&mut Trail> {
        self.survey.trails.iter_mut().find(|trail| trail.arn == arn)
    }
}

/// Steps, or what has to be done by hand; without words, what the control's remedy says.
type Planned = Result<Vec<Step>, Option<Message>>;

fn step(title: Message, call: Call, shown: Option<Shown>, undo: Vec<Call>) -> Step {
    Step {
        title,
        call,
        shown,
        undo,
        answers: Vec::new(),
    }
}

fn shown(what: Message, before: Option<&Value>, after: &Value) -> Option<Shown> {
    Some(Shown {
        what,
        before: before.map(pretty).unwrap_or_default(),
        after: pretty(after),
    })
}

fn pretty(value: &Value) -> String {
    crate::text::policy(&value.to_string())
}
