//! PutObjectLegalHold: holds a version until it is let go, whatever its retention.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html>

use crate::{
    S3Error, access, locks,
    ops::{
        bucket_call::Done,
        lock_call::{LEGAL_HOLD, LockCall, SUBRESOURCES},
    },
    request::Declared,
    table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Deserialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// PutObjectLegalHold.
pub struct PutObjectLegalHold;

/// Whether to hold, and what.
pub struct Input {
    call: LockCall,
    on: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LegalHold {
    status: Option<String>,
}

fn status_of(body: &[u8]) -> Result<bool, S3Error> {
    let hold: LegalHold = wire::xml::parse_as("LegalHold", body)?;
    match hold.status.as_deref() {
        Some("ON") => Ok(true),
        Some("OFF") => Ok(false),
        _ => Err(S3Error::MalformedXml),
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    Declared::needed(&call.head)?.check(&call.body)?;
    Ok(Input {
        call: LockCall::of(call)?,
        on: status_of(&call.body)?,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let subresource = SUBRESOURCES.get(LEGAL_HOLD).copied().unwrap_or_default();
        let hold = Params::new().text("Status", locks::hold(self.on));
        Params::new()
            .object("LegalHold", hold)
            .and(self.call.evident(subresource))
    }
}

impl Operation for PutObjectLegalHold {
    const NAME: &'static str = "PutObjectLegalHold";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Done;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let call = &input.call;
        let found = access::find(ctx, view, &call.request).await?;
        let demand = call
            .demand(ctx, &found, "s3:PutObjectLegalHold")
            .with("s3:object-lock-legal-hold", locks::hold(input.on));
        Ok(found.demands(ctx, &call.request, vec![demand]))
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Done, S3Error> {
        let mut chosen = input.call.chosen(&txn.view(), "PUT").await?;
        chosen.object.lock.legal_hold = Some(input.on);
        let at = (input.call.request.bucket.as_str(), input.call.request.key.as_str());
        table::update_version(txn, at, &chosen.into_version()).await?;
        Ok(Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_on_or_off() {
        let check = |inner: &str, expected: Option<bool>| {
            let body = format!("<LegalHold>{inner}</LegalHold>");
            assert_eq!(status_of(body.as_bytes()).ok(), expected, "{inner}");
        };
        check("<Status>ON</Status>", Some(true));
        check("<Status>OFF</Status>", Some(false));
        check("<Status>on</Status>", None);
        check("", None);
    }
}
