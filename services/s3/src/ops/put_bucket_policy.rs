//! PutBucketPolicy.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>

use crate::{
    S3Error, access,
    ops::bucket_call::{self, Gone},
    request::{Declared, Request},
    table,
};
use base::arn;
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn, principals};
use policy::{Authorized, Malformed, Policy, PolicyKind, ResourceFault};
use record::{Evident, Params};
use serde_json::Value;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketPolicy.
pub struct PutBucketPolicy;

/// The new policy, as text: what is wrong with it is told only to those who may put one.
pub struct Input {
    request: Request,
    text: String,
}

const NOT_JSON: &str = "Policies must be valid JSON and the first byte must be '{'";

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    Declared::of(&call.head)?.check(&call.body)?;
    let text = std::str::from_utf8(&call.body).map_err(|_| S3Error::MalformedPolicy(NOT_JSON.into()))?;
    Ok(Input {
        request,
        text: text.to_owned(),
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let policy = match serde_json::from_str(&self.text) {
            Ok(Value::Object(members)) => Some(params(&members)),
            _ => None,
        };
        Params::new()
            .maybe_object("bucketPolicy", policy)
            .and(self.request.evident())
            .text("policy", "")
    }
}

/// A policy as a record shows it.
fn params(members: &serde_json::Map<String, Value>) -> Params {
    members.iter().fold(Params::new(), |out, (name, value)| match value {
        Value::String(text) => out.text(name, text),
        Value::Bool(flag) => out.flag(name, *flag),
        Value::Number(number) => out.number(name, number.clone()),
        Value::Null => out.null(name),
        Value::Object(members) => out.object(name, params(members)),
        Value::Array(items) if items.iter().all(Value::is_object) => {
            out.objects(name, items.iter().filter_map(Value::as_object).map(params))
        }
        Value::Array(items) => out.texts(
            name,
            items.iter().map(|item| match item {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
        ),
    })
}

/// What is wrong with a document, in S3's words.
fn malformed(what: &Malformed) -> S3Error {
    let text = match what {
        Malformed::NotJson { .. } => NOT_JSON.into(),
        Malformed::MissingStatement | Malformed::EmptyStatement => "Missing required field Statement".into(),
        Malformed::MissingPrincipal => "Missing required field Principal".into(),
        Malformed::MissingEffect => "Missing required field Effect".into(),
        Malformed::MissingAction => "Missing required field Action".into(),
        Malformed::MissingResource => "Missing required field Resource".into(),
        Malformed::InvalidAction { .. } => "Policy has invalid action".into(),
        Malformed::InvalidResource { .. } | Malformed::InvalidPartition { .. } => "Policy has invalid resource".into(),
        Malformed::InvalidPrincipal { .. } => "Invalid principal in policy".into(),
        Malformed::InvalidEffect { text } => format!("Invalid effect: {text}").into(),
        Malformed::BadVersion { .. } => "The policy must contain a valid version string".into(),
        Malformed::InvalidConditionKey { .. } => "Policy has an invalid condition key".into(),
        Malformed::UnknownOperator { name } => format!("Invalid Condition type : {name}").into(),
        Malformed::UnknownField { name } => format!("Unknown field {name}").into(),
        Malformed::TooLong { max, .. } => {
            format!("Normalized policy document exceeds the maximum allowed size of {max} bytes.").into()
        }
        _ => "This policy contains invalid Json".into(),
    };
    S3Error::MalformedPolicy(text)
}

/// Reads a policy for a bucket, as far as that can be done without looking around.
fn policy_for(bucket: &str, text: &str) -> Result<(Policy, bool), S3Error> {
    let policy = Policy::parse(text, PolicyKind::BucketPolicy).map_err(|error| malformed(&error.what))?;
    for statement in policy.statements() {
        let resources: Vec<&str> = statement.resources().collect();
        policy::check_statement(bucket, statement.actions(), resources.iter().copied()).map_err(|fault| {
            S3Error::MalformedPolicy(match fault {
                ResourceFault::ActionWithoutResource => "Action does not apply to any resource(s) in statement".into(),
                ResourceFault::Foreign => "Policy has invalid resource".into(),
            })
        })?;
    }
    let json: Value = serde_json::from_str(text).map_err(|_| S3Error::MalformedPolicy(NOT_JSON.into()))?;
    Ok((policy, policy::is_public(&json)))
}

/// Sessions come and go; what can be asked for are users and roles.
fn can_be_asked_for(principal: &str) -> bool {
    base::arn::split(principal).is_some_and(|parts| parts.service == "iam")
}

/// The unique ids of users and roles among a policy's principals.
fn named_ids(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    policy::rewrite_principals(text, &mut |name| {
        if name.starts_with("AIDA") || name.starts_with("AROA") {
            ids.push(name.to_owned());
        }
        None
    });
    ids
}

/// Refuses a policy that names a user or role that is not there, by ARN or by the id that is left of one.
async fn check_principals(ctx: &Ctx, view: &ReadView<'_>, policy: &Policy, text: &str) -> Result<(), S3Error> {
    let identities = &ctx.world().ports()?.identities;
    let nobody = || S3Error::MalformedPolicy("Invalid principal in policy".into());
    for principal in policy
        .named_principals()
        .filter(|principal| can_be_asked_for(principal))
    {
        if !identities.exists(view, principal).await? {
            return Err(nobody());
        }
    }
    for id in named_ids(text) {
        if identities.arn_of(view, &id).await?.is_none() {
            return Err(nobody());
        }
    }
    Ok(())
}

impl Operation for PutBucketPolicy {
    const NAME: &'static str = "PutBucketPolicy";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };

    type Input = Input;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketPolicy", &input.request).await
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Gone, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        bucket_call::policy_of_own(ctx, &bucket, "PUT")?;
        let (policy, public) = policy_for(name, &input.text)?;
        check_principals(ctx, &txn.view(), &policy, &input.text).await?;
        if public && bucket.blocks(|block| block.block_public_policy) {
            return Err(S3Error::AccessDenied(format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies \
                 are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                access::who(ctx),
                arn::bucket(name)
            )));
        }
        let stored = principals::to_ids(ctx, &txn.view(), &input.text).await?;
        bucket.policy_sha256 = Some(sigv4::sha256(stored.as_bytes()));
        table::put_bucket(txn, name, &bucket);
        table::put_policy_text(txn, name, Some(stored));
        Ok(Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_policies_are_told_apart() {
        let check = |text: &str, expected: Result<bool, &str>| {
            let result = policy_for("bkt", text)
                .map(|(_, public)| public)
                .map_err(|e| wire::AwsError::message(&e));
            assert_eq!(result, expected.map_err(str::to_owned), "{text}");
        };
        let statement = |principal: &str, action: &str, resource: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"{resource}"}}]}}"#
            )
        };
        check("", Err(NOT_JSON));
        check("[]", Err(NOT_JSON));
        check(r#"{"Version":"2012-10-17"}"#, Err("Missing required field Statement"));
        let trail = r#"{"Service":"cloudtrail.amazonaws.com"}"#;
        check(&statement(trail, "s3:GetBucketAcl", "arn:aws:s3:::bkt"), Ok(false));
        check(&statement(r#""*""#, "s3:GetObject", "arn:aws:s3:::bkt/*"), Ok(true));
        check(
            &statement(trail, "s3:PutObject", "arn:aws:s3:::other/*"),
            Err("Policy has invalid resource"),
        );
        check(
            &statement(trail, "s3:PutObject", "arn:aws:s3:::bkt"),
            Err("Action does not apply to any resource(s) in statement"),
        );
        check(
            &statement(r#"{"AWS":"nobody"}"#, "s3:GetObject", "arn:aws:s3:::bkt/*"),
            Err("Invalid principal in policy"),
        );
    }

    #[test]
    fn ids_are_told_from_other_principals() {
        let text = r#"{"Id":"AIDAX","Statement":[
            {"Principal":{"AWS":["AIDAA","arn:aws:iam::111122223333:user/AIDAB","111122223333","*"]},"Sid":"AIDAC"},
            {"NotPrincipal":{"AWS":"AROAD"}},
            {"Principal":{"Service":"AIDAE"}}]}"#;
        assert_eq!(named_ids(text), ["AIDAA", "AROAD"]);
    }

    #[test]
    fn records_show_the_policy() {
        let input = Input {
            request: Request::internal("bkt", ""),
            text: r#"{"Statement":[{"Action":["a","b"]}]}"#.to_owned(),
        };
        let shown = format!("{:?}", input.evident());
        assert_eq!(
            shown,
            r#"{"bucketPolicy":{"Statement":[{"Action":["a","b"]}]},"bucketName":"bkt","policy":""}"#
        );
    }
}
