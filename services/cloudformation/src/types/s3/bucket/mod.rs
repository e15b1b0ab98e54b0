//! `AWS::S3::Bucket`: a bucket with its configurations.
//!
//! SPEC: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>

mod documents;
mod lifecycle;

use self::documents::{CONFIGURATIONS, Configuration, to_xml};
use super::call;
use crate::{
    api::{Api, HandlerError, HandlerErrorCode},
    types::{
        Desired, Existing, Handler, Kind, Made, Property, ResourceType, Tags,
        made::{self, TAG},
        values::{changed, flag, items, text},
    },
};
use base::{Region, Timestamp, arn};
use gateway::{Boxed, S3Call};
use http::Method;
use serde_json::{Map, Value, json};
use wire::ServiceName;

const NAME_CHARS_MAX: usize = 63;

/// The canned ACLs, as templates name them and as S3 does, and whether they are for everyone.
const ACLS: [(&str, &str, bool); 8] = [
    ("AuthenticatedRead", "authenticated-read", true),
    ("AwsExecRead", "aws-exec-read", false),
    ("BucketOwnerFullControl", "bucket-owner-full-control", false),
    ("BucketOwnerRead", "bucket-owner-read", false),
    ("LogDeliveryWrite", "log-delivery-write", false),
    (PRIVATE, "private", false),
    ("PublicRead", "public-read", true),
    ("PublicReadWrite", "public-read-write", true),
];
const ACL_NAMES: &[&str] = &[
    "AuthenticatedRead",
    "AwsExecRead",
    "BucketOwnerFullControl",
    "BucketOwnerRead",
    "LogDeliveryWrite",
    PRIVATE,
    "PublicRead",
    "PublicReadWrite",
];
const PRIVATE: &str = "Private";

const RULE: Kind = Kind::Object(&[
    Property::new(
        "AbortIncompleteMultipartUpload",
        Kind::Object(&[Property::new("DaysAfterInitiation", Kind::Integer).required()]),
    ),
    Property::new("ExpirationDate", Kind::Text),
    Property::new("ExpirationInDays", Kind::Integer),
    Property::new("ExpiredObjectDeleteMarker", Kind::Boolean).write_only(),
    Property::new("Id", Kind::Text),
    Property::new(
        "NoncurrentVersionExpiration",
        Kind::Object(&[
            Property::new("NewerNoncurrentVersions", Kind::Integer),
            Property::new("NoncurrentDays", Kind::Integer).required(),
        ]),
    ),
    Property::new("NoncurrentVersionExpirationInDays", Kind::Integer).write_only(),
    Property::new("ObjectSizeGreaterThan", Kind::Text),
    Property::new("ObjectSizeLessThan", Kind::Text),
    Property::new("Prefix", Kind::Text),
    Property::new("Status", Kind::OneOf(&["Enabled", "Disabled"])).required(),
    Property::new("TagFilters", Kind::List(&TAG)),
]);

const ENCRYPTION_RULE: Kind = Kind::Object(&[
    Property::new(
        "BlockedEncryptionTypes",
        Kind::Object(&[Property::new(
            "EncryptionType",
            Kind::List(&Kind::OneOf(&["NONE", "SSE-C"])),
        )]),
    ),
    Property::new("BucketKeyEnabled", Kind::Boolean),
    Property::new(
        "ServerSideEncryptionByDefault",
        Kind::Object(&[
            Property::new("KMSMasterKeyID", Kind::Text),
            Property::new("SSEAlgorithm", Kind::OneOf(&["aws:kms", "AES256", "aws:kms:dsse"])).required(),
        ]),
    ),
]);

const LOGGING: Kind = Kind::Object(&[
    Property::new("DestinationBucketName", Kind::Text),
    Property::new("LogFilePrefix", Kind::Text),
    Property::new(
        "TargetObjectKeyFormat",
        Kind::Object(&[
            Property::new(
                "PartitionedPrefix",
                Kind::Object(&[Property::new(
                    "PartitionDateSource",
                    Kind::OneOf(&["EventTime", "DeliveryTime"]),
                )]),
            ),
            Property::new("SimplePrefix", Kind::Object(&[])),
        ]),
    ),
]);

const OBJECT_LOCK: Kind = Kind::Object(&[
    Property::new("ObjectLockEnabled", Kind::OneOf(&["Enabled"])),
    Property::new(
        "Rule",
        Kind::Object(&[Property::new(
            "DefaultRetention",
            Kind::Object(&[
                Property::new("Days", Kind::Integer),
                Property::new("Mode", Kind::OneOf(&["COMPLIANCE", "GOVERNANCE"])),
                Property::new("Years", Kind::Integer),
            ]),
        )]),
    ),
]);

const OWNERSHIP_RULE: Kind = Kind::Object(&[Property::new(
    "ObjectOwnership",
    Kind::OneOf(&["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"]),
)]);

/// `AWS::S3::Bucket`
pub static BUCKET: ResourceType = ResourceType {
    name: "AWS::S3::Bucket",
    properties: &[
        Property::new("AccessControl", Kind::OneOf(ACL_NAMES)).write_only(),
        Property::new(
            "BucketEncryption",
            Kind::Object(&[
                Property::new("ServerSideEncryptionConfiguration", Kind::List(&ENCRYPTION_RULE)).required(),
            ]),
        ),
        Property::new("BucketName", Kind::Text).create_only(),
        Property::new(
            "LifecycleConfiguration",
            Kind::Object(&[Property::new("Rules", Kind::List(&RULE)).required()]),
        ),
        Property::new("LoggingConfiguration", LOGGING),
        Property::new("ObjectLockConfiguration", OBJECT_LOCK),
        Property::new("ObjectLockEnabled", Kind::Boolean),
        Property::new(
            "OwnershipControls",
            Kind::Object(&[Property::new("Rules", Kind::List(&OWNERSHIP_RULE)).required()]),
        ),
        Property::new(
            "PublicAccessBlockConfiguration",
            Kind::Object(&[
                Property::new("BlockPublicAcls", Kind::Boolean),
                Property::new("BlockPublicPolicy", Kind::Boolean),
                Property::new("IgnorePublicAcls", Kind::Boolean),
                Property::new("RestrictPublicBuckets", Kind::Boolean),
            ]),
        ),
        Property::new("Tags", Kind::Set(&TAG)),
        Property::new(
            "VersioningConfiguration",
            Kind::Object(&[Property::new("Status", Kind::OneOf(&["Enabled", "Suspended"])).required()]),
        ),
    ],
    unsupported: &[
        "AbacStatus",
        "AccelerateConfiguration",
        "AnalyticsConfigurations",
        "BucketNamePrefix",
        "BucketNamespace",
        "CorsConfiguration",
        "IntelligentTieringConfigurations",
        "InventoryConfigurations",
        "LifecycleConfiguration.Rules.NoncurrentVersionTransition",
        "LifecycleConfiguration.Rules.NoncurrentVersionTransitions",
        "LifecycleConfiguration.Rules.Transition",
        "LifecycleConfiguration.Rules.Transitions",
        "LifecycleConfiguration.TransitionDefaultMinimumObjectSize",
        "MetadataConfiguration",
        "MetadataTableConfiguration",
        "MetricsConfigurations",
        "NotificationConfiguration",
        "ObjectLockConfiguration.Rule.DefaultRetention.DefaultEventHold",
        "ReplicationConfiguration",
        "WebsiteConfiguration",
    ],
    attributes: &[
        "Arn",
        "DomainName",
        "DualStackDomainName",
        "RegionalDomainName",
        "WebsiteURL",
    ],
    secrets: &[],
    // S3 takes no tags of AWS's own from a caller.
    tags: Some(Tags {
        property: "Tags",
        system: false,
    }),
    handler: &Bucket,
};

struct Bucket;

impl Handler for Bucket {
    fn create<'a>(&'a self, api: &'a mut Api, desired: &'a Desired) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let properties = &desired.properties;
            let name = name_of(desired);
            refuse_existing(api, &name).await?;
            create(api, &name, properties).await.map_err(with_remedy)?;
            configure(api, &name, &made_with(properties), properties)
                .await
                .map_err(with_remedy)?;
            Ok(made_in(api.region(), &name))
        })
    }

    fn update<'a>(
        &'a self,
        api: &'a mut Api,
        existing: &'a Existing,
        desired: &'a Desired,
    ) -> Boxed<'a, Result<Made, HandlerError>> {
        Box::pin(async move {
            let (name, before, after) = (&existing.physical_id, &existing.properties, &desired.properties);
            configure(api, name, before, after).await.map_err(with_remedy)?;
            Ok(made::same(existing))
        })
    }

    fn delete<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<(), HandlerError>> {
        Box::pin(async move {
            call(api, Method::DELETE, &existing.physical_id, "", None)
                .await
                .map(drop)
        })
    }

    fn read<'a>(&'a self, api: &'a mut Api, existing: &'a Existing) -> Boxed<'a, Result<Value, HandlerError>> {
        Box::pin(async move {
            let name = existing.physical_id.as_str();
            let mut found = Map::new();
            found.insert("BucketName".to_owned(), name.into());
            for configuration in &CONFIGURATIONS {
                if let Some(value) = read(api, name, configuration).await? {
                    found.insert(configuration.property.to_owned(), value);
                }
            }
            let is_locked = found.contains_key("ObjectLockConfiguration");
            found.insert("ObjectLockEnabled".to_owned(), is_locked.into());
            let mut found = Value::Object(found);
            dates_as_given(&mut found, &existing.properties);
            Ok(found)
        })
    }
}

/// A bucket of this name would answer as if it had just been made where it is made through the global endpoint.
async fn refuse_existing(api: &mut Api, name: &str) -> Result<(), HandlerError> {
    let (account, (ctx, txn)) = (api.account(), api.parts());
    let unknown = |_| {
        HandlerError::of(
            HandlerErrorCode::ServiceInternalError,
            "The bucket could not be looked up.",
        )
    };
    let ports = ctx.world().ports().map_err(unknown)?;
    let place = ports.objects.place(&txn.view(), name).await.map_err(unknown)?;
    match place {
        // One of another account is refused by S3 itself.
        Some(place) if place.owner == account => Err(HandlerError {
            code: HandlerErrorCode::AlreadyExists,
            service_code: "BucketAlreadyOwnedByYou".to_owned(),
            message: format!("{name} already exists"),
            // As AWS tells it, whose handler finds out by itself.
            refused_by: Some((ServiceName::S3, 0, "null".to_owned())),
        }),
        _ => Ok(()),
    }
}

async fn create(api: &mut Api, name: &str, properties: &Value) -> Result<(), HandlerError> {
    let mut headers = Vec::new();
    if let Some(ownership) = ownership_of(properties) {
        headers.push(("x-amz-object-ownership", ownership));
    }
    if flag(properties, "ObjectLockEnabled") == Some(true) {
        headers.push(("x-amz-bucket-object-lock-enabled", "true"));
    }
    if let Some((acl, _)) = acl_of(properties).filter(|_| acl_at_creation(properties)) {
        headers.push(("x-amz-acl", acl));
    }
    let region = api.region().as_str();
    let body = match region == Region::us_east_1().as_str() {
        true => String::new(),
        false => to_xml("CreateBucketConfiguration", &json!({ "LocationConstraint": region }))?,
    };
    let call = S3Call {
        method: Method::PUT,
        bucket: name,
        key: None,
        query: "",
        headers: &headers,
        body,
    };
    api.s3(call).await.map(drop)
}

/// What of the properties a new bucket has before it is configured.
fn made_with(properties: &Value) -> Value {
    let mut made = Map::new();
    for (name, has) in [
        ("AccessControl", acl_at_creation(properties)),
        ("OwnershipControls", ownership_of(properties).is_some()),
        ("ObjectLockEnabled", flag(properties, "ObjectLockEnabled") == Some(true)),
    ] {
        if let Some(value) = properties.get(name).filter(|_| has) {
            made.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(made)
}

/// The one ownership rule; what else is given is put as it is, for S3 to refuse.
fn ownership_of(properties: &Value) -> Option<&str> {
    match items(properties.get("OwnershipControls")?, "Rules") {
        [rule] => text(rule, "ObjectOwnership"),
        _ => None,
    }
}

/// The canned ACL as S3 names it, and whether it is for everyone.
fn acl_of(properties: &Value) -> Option<(&'static str, bool)> {
    let named = text(properties, "AccessControl")?;
    let found = ACLS.iter().find(|(name, ..)| *name == named);
    found.map(|(_, acl, public)| (*acl, *public))
}

/// Whether the ACL comes with the bucket; a public one has to wait for the block to be lifted.
fn acl_at_creation(properties: &Value) -> bool {
    let lifts = properties.get("PublicAccessBlockConfiguration").is_some() && ownership_of(properties).is_some();
    acl_of(properties).is_some_and(|(_, public)| !(public && lifts))
}

/// Puts and deletes what has changed.
async fn configure(api: &mut Api, name: &str, before: &Value, after: &Value) -> Result<(), HandlerError> {
    let was_locked = flag(before, "ObjectLockEnabled") == Some(true);
    if was_locked && flag(after, "ObjectLockEnabled") != Some(true) {
        let text = "Object Lock cannot be disabled on a bucket that has it";
        return Err(HandlerError::of(HandlerErrorCode::InvalidRequest, text));
    }
    let acl = |properties: &Value| text(properties, "AccessControl").unwrap_or(PRIVATE).to_owned();
    let acl_changes = acl(before) != acl(after);
    let to_private = acl(after) == PRIVATE;
    if acl_changes && to_private {
        // Before ownership, which may switch ACLs off and does not while there are any.
        put_acl(api, name, after).await?;
    }
    for configuration in &CONFIGURATIONS {
        if changed(before, after, configuration.property) {
            put(api, name, configuration, after.get(configuration.property)).await?;
        }
        if configuration.property == "PublicAccessBlockConfiguration" && acl_changes && !to_private {
            put_acl(api, name, after).await?;
        }
        if configuration.property == "VersioningConfiguration" && lock_begins(before, after) {
            let lock = json!({"ObjectLockEnabled": "Enabled"});
            put_document(api, name, "object-lock", "ObjectLockConfiguration", &lock).await?;
        }
    }
    Ok(())
}

/// Whether a bucket that is there gets its lock without saying more of it.
fn lock_begins(before: &Value, after: &Value) -> bool {
    let on = |properties: &Value| flag(properties, "ObjectLockEnabled") == Some(true);
    on(after) && !on(before) && after.get("ObjectLockConfiguration").is_none()
}

async fn put_acl(api: &mut Api, name: &str, properties: &Value) -> Result<(), HandlerError> {
    let (acl, _) = acl_of(properties).unwrap_or(("private", false));
    let call = S3Call {
        method: Method::PUT,
        bucket: name,
        key: None,
        query: "acl",
        headers: &[("x-amz-acl", acl)],
        body: String::new(),
    };
    api.s3(call).await.map(drop)
}

async fn put(
    api: &mut Api,
    name: &str,
    configuration: &Configuration,
    value: Option<&Value>,
) -> Result<(), HandlerError> {
    let behavior = api.parts().0.settings().aws_behavior;
    let without = (configuration.without)(behavior);
    let document = match value {
        Some(Value::Array(none)) if none.is_empty() => without,
        Some(value) => Some((configuration.write)(value, name)?),
        None => without,
    };
    match document {
        Some(document) => put_document(api, name, configuration.query, configuration.root, &document).await,
        None => call(api, Method::DELETE, name, configuration.query, None)
            .await
            .map(drop),
    }
}

async fn put_document(
    api: &mut Api,
    name: &str,
    query: &str,
    root: &str,
    document: &Value,
) -> Result<(), HandlerError> {
    let body = to_xml(root, document)?;
    call(api, Method::PUT, name, query, Some(body)).await.map(drop)
}

async fn read(api: &mut Api, name: &str, configuration: &Configuration) -> Result<Option<Value>, HandlerError> {
    match call(api, Method::GET, name, configuration.query, None).await {
        Ok(body) => Ok((configuration.read)(&body)),
        Err(error) if is_unset(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the bucket is there and only has no such configuration.
fn is_unset(error: &HandlerError) -> bool {
    error.is_not_found() && error.service_code != "NoSuchBucket"
}

/// Where ACLs are off, which since April 2023 they are unless a template says otherwise, the failure tells what to change.
fn with_remedy(mut error: HandlerError) -> HandlerError {
    if ["InvalidBucketAclWithObjectOwnership", "AccessControlListNotSupported"].contains(&error.service_code.as_str()) {
        error.message.push_str(
            ". Add OwnershipControls with an ObjectOwnership of BucketOwnerPreferred or ObjectWriter, or remove AccessControl",
        );
    }
    error
}

/// The given name, or the generated one in the lower case that buckets have.
fn name_of(desired: &Desired) -> String {
    match text(&desired.properties, "BucketName") {
        Some(name) => name.to_owned(),
        None => made::fitted(&desired.generated_name, NAME_CHARS_MAX).to_ascii_lowercase(),
    }
}

fn made_in(region: &Region, name: &str) -> Made {
    let (region, arn) = (region.as_str(), arn::bucket(name));
    let attributes = [
        ("Arn", arn.as_str()),
        ("DomainName", &format!("{name}.s3.amazonaws.com")),
        (
            "DualStackDomainName",
            &format!("{name}.s3.dualstack.{region}.amazonaws.com"),
        ),
        ("RegionalDomainName", &format!("{name}.s3.{region}.amazonaws.com")),
        (
            "WebsiteURL",
            &format!("http://{name}.{}.amazonaws.com", website(region)),
        ),
    ];
    made::made_of_texts(name, &attributes)
}

/// The older Regions have a dash in the name of their website endpoint, the others a dot.
///
/// SPEC: <https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints>
fn website(region: &str) -> String {
    const DASHED: [&str; 9] = [
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-west-1",
        "sa-east-1",
        "us-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    ];
    match DASHED.contains(&region) {
        true => format!("s3-website-{region}"),
        false => format!("s3-website.{region}"),
    }
}

/// A date that means the same as the given one is told as it was given.
fn dates_as_given(found: &mut Value, given: &Value) {
    const RULES: &str = "/LifecycleConfiguration/Rules";
    const DATE: &str = "ExpirationDate";
    let Some(given) = given.pointer(RULES).and_then(Value::as_array) else {
        return;
    };
    let rules = found.pointer_mut(RULES).and_then(Value::as_array_mut);
    for (rule, given) in rules.into_iter().flatten().zip(given) {
        let same = |date: &&str| {
            let found = text(rule, DATE).and_then(Timestamp::parse);
            found.is_some() && found == Timestamp::parse(date)
        };
        if let Some(date) = text(given, DATE).filter(same) {
            rule[DATE] = date.into();
        }
    }
}

#[cfg(test)]
mod tests;
