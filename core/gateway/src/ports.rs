//! What rooms ask of each other. Each port is implemented by one room and re-enters the pipeline at *authorise*, so
//! that a port call is decided by the same policies and recorded like any other call.

use crate::{
    AnsweredCall, Boxed, Ctx, Demand, PortRefusal, RoleSession, ServiceCaller, SignedCaller, Txn, World, ctx::By,
};
use base::{AccountId, Arn, Fault, Region, Secret, Timestamp};
use bytes::Bytes;
use envelope::{EncryptionContext, Key256};
use policy::{Policy, Principal};
use record::EventCategory;
use std::{borrow::Cow, sync::Arc};
use store::{ReadView, Selection};

/// The access key that signed a request, as IAM knows it.
pub struct Credential {
    /// Who it belongs to.
    pub caller: Arc<SignedCaller>,
    /// The secret access key.
    pub secret: Secret<String>,
    /// Whether the key is active.
    pub active: bool,
    /// The token that must come with the key; `None` for a long-term one. How long it is good for says the caller's
    /// [`Session`](crate::Session).
    pub session_token: Option<Secret<String>>,
}

/// What a principal holds by itself, wherever it calls from. Every policy says where it is kept.
#[derive(Debug, Default)]
pub struct Rights {
    /// Its own policies, inline and attached, and those of its groups; of a session those of its role.
    pub identity: Vec<Arc<Policy>>,
    /// Its permissions boundary.
    pub boundary: Option<Arc<Policy>>,
    /// The tags of the user or role (`aws:PrincipalTag/KEY`).
    pub tags: Vec<(String, String)>,
}

/// A principal with what it holds.
pub type Holder = (Principal, Arc<Rights>);

/// An access key as its maker gets it, once.
pub struct NewAccessKey {
    /// `AKIA…`
    pub id: String,
    /// The secret.
    pub secret: Secret<String>,
}

/// An account that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its number.
    pub id: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// What its maker called it; empty when nobody did.
    pub name: String,
}

/// IAM, as the gateway asks it.
pub trait Identities: Send + Sync {
    /// The credential of an access key id, if there is one.
    fn credential<'a>(
        &'a self,
        world: &'a World,
        view: &'a ReadView<'a>,
        access_key_id: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<Credential>>, Fault>>;

    /// What a principal holds; nothing for root, services and anonymous callers.
    fn rights<'a>(&'a self, view: &'a ReadView<'a>, principal: &'a Principal) -> Boxed<'a, Result<Arc<Rights>, Fault>>;

    /// Whether the user, role or account root that an ARN (or the session of a role that exists) names is here. Policies
    /// may not name others.
    fn exists<'a>(&'a self, view: &'a ReadView<'a>, arn: &'a str) -> Boxed<'a, Result<bool, Fault>>;

    /// The unique id (`AIDA…`, `AROA…`) of the user or role that has this ARN now; `None` for every other text.
    fn unique_id<'a>(&'a self, view: &'a ReadView<'a>, arn: &'a str) -> Boxed<'a, Result<Option<String>, Fault>>;

    /// The ARN of the user or role with this unique id; `None` when it is no more.
    fn arn_of<'a>(&'a self, view: &'a ReadView<'a>, id: &'a str) -> Boxed<'a, Result<Option<String>, Fault>>;

    /// Remembers that a key was used, for GetAccessKeyLastUsed and a role's RoleLastUsed. Durable a little later.
    fn used(&self, caller: &SignedCaller, at: Timestamp, service: &'static str, region: &Region);

    /// Makes an account with the access key of its root; `None` when there is one of this number.
    fn create_account<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        account: &'a AccountFacts,
    ) -> Boxed<'a, Result<Option<NewAccessKey>, Fault>>;

    /// Every account, by number.
    fn accounts<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<AccountFacts>, Fault>>;

    /// Every root, user and role of every account, with what it holds. A role stands for its sessions: its principal is
    /// the session `*` of it.
    fn principals<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<Holder>, Fault>>;
}

/// STS, as services ask it that act under roles.
pub trait Roles: Send + Sync {
    /// AssumeRole of `role` (an ARN) by a service principal, for an hour: decided by the role's trust policy with
    /// `aws:SourceArn` and `aws:SourceAccount` of `service`, and recorded as a call of the service in `region`.
    ///
    /// Calls under the session ([`By::Role`]) are decided by what the role holds when they are made, so that a role that
    /// was deleted meanwhile holds nothing. Keep a session only once the transaction that made it is committed.
    ///
    /// A role that is missing, or does not trust the service, refuses alike: `denied` is set.
    fn assume_role<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        service: ServiceCaller,
        region: Region,
        role: &'a str,
        session_name: &'a str,
    ) -> Boxed<'a, Result<RoleSession, PortRefusal>>;
}

/// A data key made by KMS for another service.
pub struct DataKey {
    /// The key in clear, to be used and dropped.
    pub plain: Key256,
    /// The key sealed by KMS.
    pub ciphertext: Vec<u8>,
    /// The KMS key's ARN.
    pub key_arn: Arn,
}

/// A key with all that speaks about who may use it, as it was at one moment.
pub trait KeyGuard: Send + Sync {
    /// The key's ARN.
    fn arn(&self) -> &Arn;

    /// Its owner.
    fn owner(&self) -> AccountId;

    /// Its policy.
    fn policy(&self) -> &Arc<Policy>;

    /// The same key under another policy.
    fn under(&self, policy: Arc<Policy>) -> Arc<dyn KeyGuard>;

    /// What a caller of this account would have to be allowed to do `action` on the key; of cryptographic operations,
    /// under this encryption context. `via` is the service that asks on the caller's behalf, such as
    /// `s3.us-east-1.amazonaws.com`.
    fn demand(
        &self,
        action: &'static str,
        context: Option<&EncryptionContext>,
        via: Option<&str>,
        caller: Option<AccountId>,
    ) -> Demand;
}

/// KMS, as other services ask it. Every method but the first and the last is a KMS operation, decided and recorded as such.
pub trait Keys: Send + Sync {
    /// What guards a key, by any of its names as the account means it in the Region; `None` when there is no such key.
    fn guard<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        account: AccountId,
        region: &'a Region,
        key_id: &'a str,
    ) -> Boxed<'a, Result<Option<Arc<dyn KeyGuard>>, Fault>>;

    /// GenerateDataKey (AES_256) under `key_id` (id, ARN, alias name or alias ARN) in `region`.
    fn generate_data_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        key_id: &'a str,
        context: EncryptionContext,
    ) -> Boxed<'a, Result<DataKey, PortRefusal>>;

    /// Decrypt of a data key made by [`Keys::generate_data_key`], in `region`.
    fn decrypt<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        ciphertext: &'a [u8],
        context: EncryptionContext,
    ) -> Boxed<'a, Result<Key256, PortRefusal>>;

    /// DescribeKey: the key's ARN.
    fn describe_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        region: Region,
        key_id: &'a str,
    ) -> Boxed<'a, Result<Arn, PortRefusal>>;

    /// The AWS managed key `aws/s3` of the account and Region, made on first use in a transaction of its own.
    fn s3_managed_key<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: AccountId,
        region: Region,
    ) -> Boxed<'a, Result<Arn, PortRefusal>>;
}

/// How an object put by a service is sealed.
pub enum ObjectSeal {
    /// SSE-S3.
    Aes256,
    /// SSE-KMS under this key with these extra context pairs.
    Kms {
        /// The key's ARN.
        key: Arn,
        /// Extra pairs of the encryption context.
        context: EncryptionContext,
    },
}

/// An object that a service puts.
pub struct ServiceObject {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The body; small enough to be held.
    pub body: Bytes,
    /// How it is sealed.
    pub seal: ObjectSeal,
    /// The canned ACL header, such as `bucket-owner-full-control`.
    pub acl: Option<&'static str>,
    /// Content-Type.
    pub content_type: &'static str,
    /// Content-Encoding.
    pub content_encoding: Option<&'static str>,
    /// User metadata without the `x-amz-meta-` prefix.
    pub metadata: Vec<(String, String)>,
}

/// Where a bucket is and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    /// The owner.
    pub owner: AccountId,
    /// The Region.
    pub region: Region,
}

/// What guards an object, for those who ask who could reach it.
pub struct ObjectGuard {
    /// The bucket's owner and Region.
    pub place: BucketPlace,
    /// The bucket's policy, with its source.
    pub policy: Option<Arc<Policy>>,
    /// Whether the object is there.
    pub exists: bool,
    /// The KMS key that seals the object, with the whole encryption context, which of a bucket key is the bucket's; `None`
    /// for SSE-S3 and SSE-C, and for no object.
    pub sealed_under: Option<(Arn, EncryptionContext)>,
    /// Whether the object opens only with a key that the customer has (SSE-C).
    pub customer_key: bool,
    /// The KMS key, as it was named, that seals a new object that asks for nothing; `None` for SSE-S3.
    pub default_key: Option<String>,
    /// Whether such an object's key is wrapped under a bucket key.
    pub default_by_bucket_key: bool,
    /// Whether the bucket has bucket keys on, also for a KMS key that a put names itself.
    pub bucket_key: bool,
}

/// What is told of an object without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Its key.
    pub key: String,
    /// How many bytes it has in clear.
    pub bytes: u64,
    /// When it was put.
    pub modified: Timestamp,
    /// `AES256`, `aws:kms`, `aws:kms:dsse` or `SSE-C`.
    pub encryption: &'static str,
    /// The KMS key without which it does not open.
    pub kms_key: Option<Arn>,
}

/// S3, as other services ask it.
pub trait Objects: Send + Sync {
    /// Up to `limit` objects of a bucket, the latest versions of their keys, in the order of these: of those that begin with
    /// `prefix` and come after `after`. Fewer mean that there are no more. Not an operation.
    fn facts<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        bucket: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Boxed<'a, Result<Vec<ObjectFacts>, Fault>>;

    /// What guards an object, whether it is there or not; `None` when there is no such bucket. Not an operation.
    fn guard<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        bucket: &'a str,
        key: &'a str,
    ) -> Boxed<'a, Result<Option<ObjectGuard>, Fault>>;

    /// Whether any bucket's calls are to be told by [`Objects::answered`]. Asked of every call: it costs next to nothing.
    fn is_told(&self, world: &World) -> bool;

    /// A call on a bucket was answered, whatever came of it. Not an operation: it is for the bucket's access log.
    fn answered<'a>(&'a self, world: &'a Arc<World>, call: AnsweredCall) -> Boxed<'a, ()>;

    /// Where a bucket is; `None` when there is none. Not an operation: bucket names and Regions are public knowledge.
    fn place<'a>(&'a self, view: &'a ReadView<'a>, bucket: &'a str) -> Boxed<'a, Result<Option<BucketPlace>, Fault>>;

    /// GetBucketAcl, for its decision.
    fn check_bucket_acl<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        bucket: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>>;

    /// The authorisation of a PutObject, without the object: the probe that CreateTrail makes. With a KMS seal it makes
    /// a real GenerateDataKey whose result is dropped; in a bucket with bucket keys it makes a bucket key and opens it again.
    /// Records the KMS events, and no PutObject.
    fn probe_put_object<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        object: &'a ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>>;

    /// PutObject.
    fn put_object<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        object: ServiceObject,
    ) -> Boxed<'a, Result<(), PortRefusal>>;
}

/// A log event to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When it happened; kept to the millisecond.
    pub timestamp: Timestamp,
    /// The text.
    pub message: String,
}

/// CloudWatch Logs, as other services ask it.
pub trait Logs: Send + Sync {
    /// Whether there is a log group with this ARN, which ends in `:*` or does not. Not an operation.
    fn exists<'a>(&'a self, view: &'a ReadView<'a>, group: &'a Arn) -> Boxed<'a, Result<bool, Fault>>;

    /// The authorisation of CreateLogStream and PutLogEvents on a stream of the group, without either; the stream need
    /// not be there. Makes no event.
    fn check<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        group: &'a Arn,
        stream: &'a str,
    ) -> Boxed<'a, Result<(), PortRefusal>>;

    /// Puts events into a stream, in order, in as many PutLogEvents as AWS's limits ask for; makes the stream
    /// (CreateLogStream, which is recorded) when it is missing. All of them are put, or none.
    ///
    /// The events are in the order of time. Answers how many were taken: what is too old for the group's retention, or more
    /// than two hours ahead, is left out, as PutLogEvents leaves it out.
    fn put_events<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        group: &'a Arn,
        stream: &'a str,
        events: Vec<LogEvent>,
    ) -> Boxed<'a, Result<usize, PortRefusal>>;
}

/// What a service publishes to a topic.
#[derive(Clone, Debug)]
pub struct ServiceMessage {
    /// Of ASCII, 1 to 100 characters.
    pub subject: Option<String>,
    /// At most 256 KiB of UTF-8, and not empty.
    pub message: String,
}

/// SNS, as other services ask it.
pub trait Topics: Send + Sync {
    /// Publish to the topic with this ARN, whose Region it is done in. Answers the message's id. The message is durable with
    /// the transaction; it is delivered later. Refused with `NotFound`, `AuthorizationError`, `InvalidParameter` and, for a
    /// topic under a KMS key, the `KMS…` codes of Publish.
    fn publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        topic: &'a Arn,
        message: ServiceMessage,
    ) -> Boxed<'a, Result<String, PortRefusal>>;

    /// Whether [`Topics::publish`] would be allowed, with the same refusals: the authorisation of a Publish without the message.
    /// Of a topic under a KMS key the key is used, by a real GenerateDataKey whose result is dropped. Records the KMS events,
    /// and no Publish.
    fn may_publish<'a>(
        &'a self,
        ctx: &'a Ctx,
        txn: &'a mut Txn,
        by: By,
        topic: &'a Arn,
    ) -> Boxed<'a, Result<(), PortRefusal>>;
}

/// What selection needs to know of an event: one that this server saw, or one that came from elsewhere.
pub struct Candidate<'a> {
    /// The account that gets this copy.
    pub account: AccountId,
    /// The event's Region.
    pub region: &'a Region,
    /// `eventCategory`
    pub category: EventCategory,
    /// Whether the call changes nothing.
    pub read_only: bool,
    /// Such as `kms.amazonaws.com`.
    pub event_source: &'a str,
    /// Such as `Decrypt`.
    pub event_name: &'a str,
    /// `eventType`, such as `AwsApiCall`.
    pub event_type: &'a str,
    /// `errorCode`
    pub error_code: Option<&'a str>,
    /// `userIdentity.arn`
    pub user_arn: Option<Cow<'a, str>>,
    /// `userIdentity.invokedBy`
    pub invoked_by: Option<&'a str>,
    /// Whether `sessionCredentialFromConsole` is `true`.
    pub from_console: bool,
    /// `vpcEndpointId`
    pub vpc_endpoint: Option<&'a str>,
    /// The type of a data event's resource (`resources.type`), where the operation tells it; else those of its resources
    /// count alone.
    pub resource_type: Option<&'a str>,
    /// The resources.
    pub resources: &'a [record::Resource],
    /// Whether it is an event of a global service (IAM, STS's global endpoint).
    pub global: bool,
    /// The call's request id.
    pub request_id: Option<&'a str>,
}

/// What a trail writes with.
#[derive(Clone, Debug)]
pub struct TrailPlace {
    /// Its ARN.
    pub arn: Arn,
    /// Its owner.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its home Region.
    pub home: Region,
    /// Whether it covers all Regions.
    pub multi_region: bool,
    /// Its bucket.
    pub bucket: String,
    /// The key prefix of its log files.
    pub prefix: Option<String>,
    /// The key that seals its log files; without one they are SSE-S3.
    pub kms_key: Option<Arn>,
}

/// How a trail stands, over all its Regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailStanding {
    /// Whether it logs.
    pub is_logging: bool,
    /// When it delivered a log file last.
    pub delivered: Option<Timestamp>,
    /// When it delivered a digest last.
    pub digested: Option<Timestamp>,
}

/// CloudTrail, as the gateway asks it at commit, and others about its trails.
pub trait TrailSelection: Send + Sync {
    /// How the trail with this ARN stands; `None` when there is none. Not an operation.
    fn standing<'a>(
        &'a self,
        world: &'a World,
        view: &'a ReadView<'a>,
        arn: &'a Arn,
    ) -> Boxed<'a, Result<Option<TrailStanding>, Fault>>;

    /// The journal has no block up to this sequence any more. Not an operation.
    fn journal_dropped<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<u64, Fault>>;

    /// The trails of all accounts. Not an operation.
    fn trails<'a>(&'a self, view: &'a ReadView<'a>) -> Boxed<'a, Result<Vec<TrailPlace>, Fault>>;

    /// The logging trails that select the event, by the state of this very snapshot.
    fn select<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        event: &'a Candidate<'a>,
    ) -> Boxed<'a, Result<Vec<Selection>, Fault>>;

    /// Of each event from elsewhere, in their order, those of the channel's trails that select it.
    fn select_ingested<'a>(
        &'a self,
        view: &'a ReadView<'a>,
        events: &'a [Candidate<'a>],
        trails: &'a [String],
    ) -> Boxed<'a, Result<Vec<Vec<Selection>>, Fault>>;
}

/// Background work of a room.
pub trait Worker: Send + Sync {
    /// A name for the log.
    fn name(&self) -> &'static str;

    /// The domain time at which there is next something to do; `None` when there is nothing.
    fn next_due<'a>(&'a self, world: &'a Arc<World>) -> Boxed<'a, Result<Option<Timestamp>, Fault>>;

    /// Does everything that is due at `now`, and no more than once. Safe to repeat.
    fn tick<'a>(&'a self, world: &'a Arc<World>, now: Timestamp) -> Boxed<'a, Result<(), Fault>>;
}
