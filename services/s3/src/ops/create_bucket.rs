//! CreateBucket.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>

use crate::{
    S3Error, access,
    model::{
        acl::{self, AclRefusal, CannedAcl, Ownership},
        bucket_name,
        encryption::BucketDefault,
        location::{self, LocationRefusal},
        lock::BucketLock,
        public_access::PublicAccessBlock,
        version::Versioning,
    },
    published::Published,
    request::{self, Request},
    sse,
    table::{self, Bucket},
};
use base::arn;
use gateway::{
    AwsBehavior, Call, Ctx, Demand, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn,
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, de::IgnoredAny};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// CreateBucket.
pub struct CreateBucket;

/// What is asked for.
pub struct Input {
    request: Request,
    constraint: Option<String>,
    acl: Option<CannedAcl>,
    ownership: Option<Ownership>,
    /// Whether it begins with object lock, and with versioning, which that needs.
    lock: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct CreateBucketConfiguration {
    location_constraint: Option<String>,
    location: Option<IgnoredAny>,
    bucket: Option<IgnoredAny>,
    tags: Option<IgnoredAny>,
}

impl CreateBucketConfiguration {
    fn of(body: &[u8]) -> Result<CreateBucketConfiguration, S3Error> {
        if body.is_empty() {
            return Ok(CreateBucketConfiguration::default());
        }
        let configuration: CreateBucketConfiguration = wire::xml::parse_as("CreateBucketConfiguration", body)?;
        let unbuilt = [
            ("Location", configuration.location.is_some()),
            ("Bucket", configuration.bucket.is_some()),
            ("Tags", configuration.tags.is_some()),
        ];
        match unbuilt.iter().find(|(_, there)| *there) {
            Some((name, _)) => Err(S3Error::NotImplemented((*name).into())),
            None => Ok(configuration),
        }
    }
}

fn parse(call: &Call) -> Result<Input, S3Error> {
    let request = Request::of_bucket(call)?;
    if !bucket_name::may_be_created(&request.bucket) {
        return Err(S3Error::InvalidBucketName { bucket: request.bucket });
    }
    request::refuse_headers(call, &["x-amz-grant-"])?;
    let lock = request::amz(&call.head, "x-amz-bucket-object-lock-enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let ownership = match request::amz(&call.head, "x-amz-object-ownership") {
        None => None,
        Some(name) => {
            let invalid = || {
                S3Error::argument(
                    "Invalid x-amz-object-ownership header",
                    "x-amz-object-ownership",
                    &*name,
                )
            };
            Some(Ownership::parse(&name).ok_or_else(invalid)?)
        }
    };
    Ok(Input {
        constraint: CreateBucketConfiguration::of(&call.body)?.location_constraint,
        acl: request::canned_acl(&call.head)?,
        ownership,
        lock,
        request,
    })
}

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(parse(call)?)
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        let configuration = self
            .constraint
            .as_ref()
            .map(|c| Params::new().text("LocationConstraint", c));
        Params::new()
            .maybe_object("CreateBucketConfiguration", configuration)
            .and(self.request.evident())
            .maybe_text("x-amz-acl", self.acl.map(CannedAcl::as_str))
            .maybe_text("x-amz-bucket-object-lock-enabled", self.lock.then_some("true"))
    }
}

/// Where it is.
pub struct Output {
    location: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        Reply::empty(200).header(http::header::LOCATION, &self.location)
    }
}

impl Operation for CreateBucket {
    const NAME: &'static str = "CreateBucket";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    const MISSING: &'static str = "x-amz-grant-* headers, Tags, directory buckets";

    type Input = Input;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, _: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        access::note(ctx, &input.request, (input.request.bytes_in, 0), Params::new());
        let on = |action| {
            let demand = Demand::on(action, arn::bucket(&input.request.bucket)).shown_as(access::BUCKET);
            access::conditions(ctx, demand, &input.request)
                .with_some("s3:LocationConstraint", input.constraint.as_deref())
                .with_some("s3:x-amz-acl", input.acl.map(CannedAcl::as_str))
        };
        let mut demands = vec![on("s3:CreateBucket")];
        if input.acl.is_some_and(|acl| acl != CannedAcl::Private) {
            demands.push(on("s3:PutBucketAcl"));
        }
        if input.ownership.is_some() {
            demands.push(on("s3:PutBucketOwnershipControls"));
        }
        if input.lock {
            demands.push(on("s3:PutBucketObjectLockConfiguration"));
            demands.push(on("s3:PutBucketVersioning"));
        }
        Ok(Demands::All(demands))
    }

    async fn run(ctx: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Output, S3Error> {
        let name = &input.request.bucket;
        let output = Output {
            location: format!("/{name}"),
        };
        let enabled = &ctx.settings().regions;
        let region = location::resolve(&ctx.region, input.constraint.as_deref(), enabled).map_err(refused)?;
        if let Some(existing) = table::bucket(&txn.view(), name).await? {
            let bucket = name.clone();
            return match (
                existing.owner == ctx.account,
                access::is_global(&ctx.region) && region == existing.region,
            ) {
                (false, _) => Err(S3Error::BucketAlreadyExists { bucket }),
                // The global endpoint answers as it did the first time.
                (true, true) if access::is_global(&region) => Ok(output),
                (true, _) => Err(S3Error::BucketAlreadyOwnedByYou { bucket }),
            };
        }
        if Published::find(ctx, &txn.view(), name).await?.is_some() {
            return Err(S3Error::BucketAlreadyExists { bucket: name.clone() });
        }
        // DIFFERS by `aws_behavior`: since April 2023 AWS switches ACLs off on new buckets.
        let ownership = input.ownership.unwrap_or(match ctx.settings().aws_behavior {
            AwsBehavior::Current => Ownership::BucketOwnerEnforced,
            AwsBehavior::Seeds => Ownership::ObjectWriter,
        });
        let acl = input.acl.unwrap_or(CannedAcl::Private);
        acl::of_bucket(acl, ownership, true).map_err(|refusal| match refusal {
            AclRefusal::NotSupported => S3Error::InvalidBucketAclWithObjectOwnership,
            AclRefusal::Public => S3Error::InvalidBucketAclWithBlockPublicAccess,
            refusal => {
                let resource = arn::bucket(name);
                request::acl_refusal(refusal, acl, &access::who(ctx), "s3:CreateBucket", resource.as_str())
            }
        })?;
        let location_constraint = match &input.constraint {
            Some(constraint) => constraint.clone(),
            None => String::new(),
        };
        let bucket = Bucket {
            owner: ctx.account,
            region,
            location_constraint,
            created: ctx.now(),
            policy_sha256: None,
            encryption: BucketDefault::S3,
            acl,
            ownership,
            versioning: if input.lock {
                Versioning::Enabled
            } else {
                Versioning::Off
            },
            lock: input.lock.then(BucketLock::default),
            public_access: Some(PublicAccessBlock::ALL),
            // DIFFERS by `aws_behavior`: buckets had no ownership controls before they were made with some.
            ownership_controls: input.ownership.is_some() || ctx.settings().aws_behavior == AwsBehavior::Current,
            grants: None,
            lifecycle_sha256: None,
            logging: None,
            bucket_key: false,
            blocked: sse::blocked_at_first(ctx),
        };
        table::put_bucket(txn, name, &bucket);
        Ok(output)
    }
}

fn refused(refusal: LocationRefusal) -> S3Error {
    match refusal {
        LocationRefusal::Illegal(constraint) => S3Error::IllegalLocationConstraint(constraint),
        LocationRefusal::Invalid(constraint) => S3Error::InvalidLocationConstraint(constraint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::call;
    use http::Method;

    #[test]
    fn inputs_are_read() {
        let body = br#"<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"#;
        let input = parse(&call(Method::PUT, "/bkt", &[("x-amz-acl", "log-delivery-write")], body)).unwrap();
        assert_eq!(input.constraint.as_deref(), Some("eu-west-1"));
        assert_eq!(input.acl, Some(CannedAcl::LogDeliveryWrite));
        let check = |path, headers: &[(&str, &str)], body: &[u8], expected: &str| {
            let error = parse(&call(Method::PUT, path, headers, body))
                .err()
                .map(|e| wire::AwsError::code(&e).into_owned());
            assert_eq!(error.as_deref(), Some(expected));
        };
        check("/Bkt", &[], b"", "InvalidBucketName");
        check("/bkt", &[("x-amz-acl", "open")], b"", "InvalidArgument");
        check("/bkt", &[("x-amz-grant-read", "id=1")], b"", "NotImplemented");
        check("/bkt", &[], b"<oops", "MalformedXML");
        check(
            "/bkt",
            &[],
            b"<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>",
            "NotImplemented",
        );
    }
}
