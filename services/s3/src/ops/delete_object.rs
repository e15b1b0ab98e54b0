//! DeleteObject: also of a key without an object.

use crate::{
    S3Error, access,
    model::{
        condition::WriteCondition,
        version::{VersionId, Versioning},
    },
    ops::bucket_call::Gone,
    request::{self, Request},
    table::{self, Content},
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// DeleteObject.
pub struct DeleteObject;

/// Which object.
pub struct Input {
    request: Request,
    condition: Option<WriteCondition>,
}

impl Input {
    /// One of the objects of a DeleteObjects.
    pub fn one_of(request: Request) -> Input {
        Input {
            request,
            condition: None,
        }
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    request::refuse_versions(call)?;
    request::refuse_headers(call, &["x-amz-mfa"])?;
    let condition = request::header(&call.head.headers, http::header::IF_MATCH).map(WriteCondition::Tag);
    Ok(Input {
        request: Request::of_object(call)?,
        condition,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.request.evident()
    }
}

impl Operation for DeleteObject {
    const NAME: &'static str = "DeleteObject";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let found = access::find(ctx, view, &input.request).await?;
        let demand = found.on_object(ctx, "s3:DeleteObject", &input.request);
        Ok(found.demands(ctx, &input.request, vec![demand]))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Gone, S3Error> {
        let (bucket, key) = (&input.request.bucket, &input.request.key);
        let existing = table::object(&txn.view(), bucket, key).await?;
        access::allow_write(
            input.condition.as_ref(),
            key,
            existing.as_ref().map(|object| object.etag.as_str()),
        )?;
        let at = (bucket.as_str(), key.as_str());
        let row = access::row(&txn.view(), bucket).await?;
        match row.versioning {
            Versioning::Off => {
                table::delete_version(txn, at, &VersionId::Null).await?;
            }
            versioning => {
                let marker = Content::DeleteMarker { modified: ctx.now() };
                table::put_version(txn, at, versioning, marker, None, ctx.random()).await?;
            }
        }
        Ok(Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;
    use wire::AwsError;

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let check = |path: &str, headers: &[(&str, &str)], expected: Option<&str>| {
            let error = parse(&call(Method::DELETE, path, headers, b"")).err();
            assert_eq!(error.map(|e| e.code().into_owned()).as_deref(), expected, "{path}");
        };
        check("/bkt/k", &[], None);
        check("/bkt/k?versionId=null", &[], None);
        check("/bkt/k?versionId=3", &[], Some("NotImplemented"));
        check("/bkt/k", &[("x-amz-mfa", "serial 123456")], Some("NotImplemented"));
        check("/bkt/k?x-amz-mfa=1", &[], Some("NotImplemented"));
    }
}
