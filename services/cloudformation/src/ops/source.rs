//! What a call gives by its text or by the address of an object: templates and stack policies.
//!
//! An object is read as the caller, by forward access: it takes the caller's own right to `s3:GetObject`.

use crate::{
    CloudFormationError,
    model::{
        location::{Location, Unreadable, location},
        stack_policy::{POLICY_BYTES_MAX, StackPolicy},
    },
};
use gateway::{Ctx, S3Call, Txn, ctx::By};
use http::Method;

/// The longest `TemplateBody`, in bytes.
pub const TEMPLATE_BODY_BYTES_MAX: usize = 51_200;

/// The longest template in a bucket, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 1_000_000;

/// The template that a call gives; `None` when it gives none.
pub async fn template(
    ctx: &Ctx,
    txn: &mut Txn,
    body: Option<&str>,
    url: Option<&str>,
) -> Result<Option<String>, CloudFormationError> {
    if body.is_some() && url.is_some() {
        return Err(CloudFormationError::invalid(
            "You cannot specify both TemplateURL and TemplateBody",
        ));
    }
    let Some(url) = url else {
        return given(body).map(|body| body.map(str::to_owned));
    };
    let text = read(ctx, txn, "TemplateURL", url).await?;
    match text.len() > TEMPLATE_BYTES_MAX {
        true => Err(CloudFormationError::Validation(format!(
            "Template may not exceed {TEMPLATE_BYTES_MAX} bytes in size."
        ))),
        false => Ok(Some(text)),
    }
}

/// The same of a call that must give one.
pub async fn required_template(
    ctx: &Ctx,
    txn: &mut Txn,
    body: Option<&str>,
    url: Option<&str>,
) -> Result<String, CloudFormationError> {
    template(ctx, txn, body, url)
        .await?
        .ok_or_else(|| CloudFormationError::invalid("Either Template URL or Template Body must be specified."))
}

fn given(body: Option<&str>) -> Result<Option<&str>, CloudFormationError> {
    match body {
        Some("") => Err(constraint(
            "",
            "templateBody",
            "Member must have length greater than or equal to 1",
        )),
        Some(body) if body.len() > TEMPLATE_BODY_BYTES_MAX => Err(constraint(
            body,
            "templateBody",
            &format!("Member must have length less than or equal to {TEMPLATE_BODY_BYTES_MAX}"),
        )),
        body => Ok(body),
    }
}

/// What a call says of a stack policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenPolicy {
    /// Nothing.
    None,
    /// That there is to be none.
    Empty,
    /// A policy, which can be read.
    Policy(String),
}

impl GivenPolicy {
    /// Its text, empty when there is to be none.
    pub fn text(&self) -> Option<&str> {
        match self {
            GivenPolicy::None => None,
            GivenPolicy::Empty => Some(""),
            GivenPolicy::Policy(text) => Some(text),
        }
    }
}

/// The stack policy that a call gives by its members `NAMEBody` and `NAMEURL`, such as `StackPolicyBody`.
pub async fn stack_policy(
    ctx: &Ctx,
    txn: &mut Txn,
    name: &str,
    body: Option<&str>,
    url: Option<&str>,
) -> Result<GivenPolicy, CloudFormationError> {
    let text = match (body, url) {
        (None, None) => return Ok(GivenPolicy::None),
        (Some(_), Some(_)) => {
            return Err(CloudFormationError::Validation(format!(
                "You cannot specify both {name}URL and {name}Body"
            )));
        }
        (Some(body), None) => body.to_owned(),
        (None, Some(url)) => read(ctx, txn, &format!("{name}URL"), url).await?,
    };
    if text.is_empty() {
        return Ok(GivenPolicy::Empty);
    }
    if text.len() > POLICY_BYTES_MAX {
        let mut member = name.to_owned();
        if let Some(first) = member.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        return Err(constraint(
            &text,
            &format!("{member}Body"),
            &format!("Member must have length less than or equal to {POLICY_BYTES_MAX}"),
        ));
    }
    match StackPolicy::parse(&text) {
        Ok(policy) if policy.is_empty() => Ok(GivenPolicy::Empty),
        Ok(_) => Ok(GivenPolicy::Policy(text)),
        Err(_) => Err(CloudFormationError::invalid(
            "Error validating stack policy: Invalid stack policy",
        )),
    }
}

/// The text of an object of this server.
async fn read(ctx: &Ctx, txn: &mut Txn, member: &str, url: &str) -> Result<String, CloudFormationError> {
    let hosts: Vec<&str> = [ctx.reached_by.as_str()]
        .into_iter()
        .filter(|host| !host.is_empty())
        .collect();
    let at = location(url, &hosts, &ctx.settings().domain).map_err(|unreadable| {
        CloudFormationError::Validation(match unreadable {
            Unreadable::S3Scheme => {
                let bucket = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
                format!(
                    "S3 error: Domain name specified in {} is not a valid S3 domain",
                    bucket.unwrap_or_default()
                )
            }
            Unreadable::NotS3 => format!("{member} must be a supported URL."),
        })
    })?;
    object(ctx, txn, &at).await
}

async fn object(ctx: &Ctx, txn: &mut Txn, at: &Location) -> Result<String, CloudFormationError> {
    let ports = ctx.world().ports()?;
    let place = ports.objects.place(&txn.view(), &at.bucket).await?;
    let (owner, region) = match place {
        Some(place) => (place.owner, place.region),
        None => (ctx.account, ctx.region.clone()),
    };
    let query = match &at.version_id {
        Some(version) => format!("versionId={version}"),
        None => String::new(),
    };
    let call = S3Call {
        method: Method::GET,
        bucket: &at.bucket,
        key: Some(&at.key),
        query: &query,
        headers: &[],
        body: String::new(),
    };
    let answered = ports.calls.call_s3(ctx, txn, (By::Forward, owner, region), call).await;
    match answered.result {
        Ok(answer) => String::from_utf8(answer.body.to_vec())
            .map_err(|_| CloudFormationError::invalid("Template format error: the template is not UTF-8 text.")),
        Err(refusal) if refusal.status >= 500 && refusal.status != 501 => Err(refusal.into()),
        Err(refusal) => Err(CloudFormationError::Validation(format!(
            "S3 error: {}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
            refusal.message
        ))),
    }
}

/// The `ValidationError` of a member's value that is out of its bounds.
pub fn constraint(value: &str, member: &str, bound: &str) -> CloudFormationError {
    CloudFormationError::Validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {bound}"
    ))
}
