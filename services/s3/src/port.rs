//! S3 as the other services ask it. Every method but `place` enters the pipeline at *authorise*.

use crate::{
    S3Error,
    access_logs::{self, AccessLogs},
    access_port,
    model::encryption,
    ops::{get_bucket_acl::GetBucketAcl, put_object},
    table,
};
use base::{Fault, arn};
use gateway::{
    AnsweredCall, Boxed, CallFailure, Ctx, PortRefusal, Txn, World,
    ctx::{By, Inner},
    pipeline,
    ports::{BucketPlace, ObjectFacts, ObjectGuard, ObjectSeal, Objects, ServiceObject},
};
use std::sync::Arc;
use store::ReadView;
use wire::ServiceName;

/// The port.
#[derive(Clone, Copy, Debug, Default)]
pub struct S3Objects;

impl Objects for S3Objects {
    fn guard<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        bucket: &'a str,
        key: &'a str,
    ) -> Boxed<'a, Result<Option<ObjectGuard>, Fault>> {
        Box::pin(access_port::guard(view, bucket, key))
    }

    fn facts<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        bucket: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Boxed<'a, Result<Vec<ObjectFacts>, Fault>> {
        Box::pin(access_port::facts(view, bucket, prefix, after, limit))
    }

    fn is_told(&self, world: &World) -> bool {
        world.kept::<AccessLogs>().may_log()
    }

    fn answered<'a>(&'a self, world: &'a Arc<World>, call: AnsweredCall) -> Boxed<'a, ()> {
        Box::pin(access_logs::keep(world, call))
    }

    fn place<'a>(&'a self, view: &'a ReadView<'a>, bucket: &'a str) -> Boxed<'a, Result<Option<BucketPlace>, Fault>> {
        Box::pin(async move {
            let bucket = table::bucket(view, bucket).await?;
            Ok(bucket.map(|bucket| BucketPlace {
                owner: bucket.owner,
                region: bucket.region,
            }))
        })
    }

    fn check_bucket_acl<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        bucket: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move {
            let inner = inner(ctx, txn, by, bucket).await?;
            pipeline::reenter::<GetBucketAcl>(ctx, txn, inner, GetBucketAcl::input(bucket))
                .await
                .map(drop)
        })
    }

    fn probe_put_object<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        object: &'a ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move {
            let inner = inner(ctx, txn, by.clone(), &object.bucket).await?;
            let region = inner.region.clone();
            let input = put_object::Input::of_service(clone(object));
            pipeline::probe::<put_object::PutObject>(ctx, txn, inner, input).await?;
            let ObjectSeal::Kms { key, context } = &object.seal else {
                return Ok(());
            };
            let bucket_key = table::bucket(&txn.view(), &object.bucket)
                .await
                .map_err(|fault| ctx.port_fault(ServiceName::S3, &fault))?
                .is_some_and(|bucket| bucket.bucket_key);
            let of = match bucket_key {
                true => arn::bucket(&object.bucket),
                false => arn::object(&object.bucket, &object.key),
            };
            let context = encryption::context_of(context, &of);
            let keys = &ctx
                .world()
                .ports()
                .map_err(|fault| ctx.port_fault(ServiceName::S3, &fault))?
                .keys;
            let made = keys
                .generate_data_key(ctx, txn, by.clone(), region.clone(), key.as_str(), context.clone())
                .await?;
            if bucket_key {
                // SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html>:
                // with a bucket key `kms:Decrypt` is asked for too.
                keys.decrypt(ctx, txn, by, region, &made.ciphertext, context).await?;
            }
            Ok(())
        })
    }

    fn put_object<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        object: ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>> {
        Box::pin(async move {
            let inner = inner(ctx, txn, by, &object.bucket).await?;
            let input = put_object::Input::of_service(object);
            pipeline::reenter::<put_object::PutObject>(ctx, txn, inner, input)
                .await
                .map(drop)
        })
    }
}

/// The inner call acts in the bucket's account and Region.
async fn inner(ctx: &Ctx, txn: &Txn, by: By, bucket: &str) -> Result<Inner, PortRefusal> {
    match table::bucket(&txn.view(), bucket).await {
        Ok(Some(bucket)) => Ok(Inner {
            by,
            account: bucket.owner,
            region: bucket.region,
        }),
        Ok(None) => Err(no_such_bucket(ctx, bucket)),
        Err(fault) => Err(ctx.port_fault(ServiceName::S3, &fault)),
    }
}

fn no_such_bucket(ctx: &Ctx, bucket: &str) -> PortRefusal {
    let error = S3Error::NoSuchBucket {
        bucket: bucket.to_owned(),
    };
    PortRefusal::from_failure(
        ServiceName::S3,
        CallFailure::of(&error, ServiceName::S3, &ctx.request_id),
    )
}

fn clone(object: &ServiceObject) -> ServiceObject {
    ServiceObject {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        body: object.body.clone(),
        seal: match &object.seal {
            ObjectSeal::Aes256 => ObjectSeal::Aes256,
            ObjectSeal::Kms { key, context } => ObjectSeal::Kms {
                key: key.clone(),
                context: context.clone(),
            },
        },
        acl: object.acl,
        content_type: object.content_type,
        content_encoding: object.content_encoding,
        metadata: object.metadata.clone(),
    }
}
