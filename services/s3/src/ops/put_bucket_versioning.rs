//! PutBucketVersioning: switches versions on, or suspends them. Never off again.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>

use crate::{
    S3Error, access,
    model::version::Versioning,
    ops::bucket_call::{self, Done},
    request::{self, Declared, Request},
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutBucketVersioning.
pub struct PutBucketVersioning;

/// What is asked for.
pub struct Input {
    request: Request,
    versioning: Versioning,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersioningConfiguration {
    status: Option<String>,
    mfa_delete: Option<String>,
}

fn versioning_of(body: &[u8]) -> Result<Versioning, S3Error> {
    let configuration: VersioningConfiguration = wire::xml::parse_as("VersioningConfiguration", body)?;
    match configuration.mfa_delete.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled") => return Err(S3Error::NotImplemented("MfaDelete".into())),
        Some(_) => return Err(S3Error::MalformedXml),
    }
    match configuration.status.as_deref() {
        None => Err(S3Error::IllegalVersioningConfiguration),
        Some("Enabled") => Ok(Versioning::Enabled),
        Some("Suspended") => Ok(Versioning::Suspended),
        Some(_) => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    request::refuse_headers(call, &["x-amz-mfa"])?;
    Declared::of(&call.head)?.check(&call.body)?;
    Ok(Input {
        request,
        versioning: versioning_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let status = match self.versioning {
            Versioning::Enabled => "Enabled",
            _ => "Suspended",
        };
        Params::new()
            .object("VersioningConfiguration", Params::new().text("Status", status))
            .and(self.request.evident())
            .text("versioning", "")
    }
}

impl Operation for PutBucketVersioning {
    const NAME: &'static str = "PutBucketVersioning";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "MFA delete";

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, "s3:PutBucketVersioning", &input.request).await
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let name = &input.request.bucket;
        let mut bucket = access::row(&txn.view(), name).await?;
        if bucket.lock.is_some() && input.versioning != Versioning::Enabled {
            return Err(S3Error::InvalidBucketState(
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            ));
        }
        bucket.versioning = input.versioning;
        table::put_bucket(txn, name, &bucket);
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AwsError;

    #[test]
    fn configurations_are_read_whole_or_refused() {
        let check = |inner: &str, expected: Result<Versioning, &str>| {
            let body = format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
            let result = versioning_of(body.as_bytes()).map_err(|e| e.code().into_owned());
            assert_eq!(result, expected.map_err(str::to_owned), "{inner}");
        };
        check("<Status>Enabled</Status>", Ok(Versioning::Enabled));
        check(
            "<Status>Suspended</Status><MfaDelete>Disabled</MfaDelete>",
            Ok(Versioning::Suspended),
        );
        check("", Err("IllegalVersioningConfigurationException"));
        check("<Status>enabled</Status>", Err("MalformedXML"));
        check("<Status>Disabled</Status>", Err("MalformedXML"));
        check(
            "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>",
            Err("NotImplemented"),
        );
    }
}
