//! ACLs: canned ones, the grants they stand for, and object ownership.
//!
//! An ACL counts only where ownership is not enforced. What a grant lets its grantee do is a statement of a policy, so that
//! one decision weighs policies and ACLs: [`statements`].
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>

use base::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The principal of access-log delivery.
pub const LOG_DELIVERY: &str = "logging.s3.amazonaws.com";

/// The most grants of an ACL.
pub const GRANTS_MAX: usize = 100;

/// A canned ACL of `x-amz-acl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CannedAcl {
    /// `authenticated-read`: everyone with an AWS account.
    AuthenticatedRead,
    /// `aws-exec-read`
    AwsExecRead,
    /// `bucket-owner-full-control`
    BucketOwnerFullControl,
    /// `bucket-owner-read`
    BucketOwnerRead,
    /// `log-delivery-write`, of buckets only.
    LogDeliveryWrite,
    /// `private`
    Private,
    /// `public-read`
    PublicRead,
    /// `public-read-write`
    PublicReadWrite,
}

impl CannedAcl {
    const ALL: [(&'static str, CannedAcl); 8] = [
        ("authenticated-read", CannedAcl::AuthenticatedRead),
        ("aws-exec-read", CannedAcl::AwsExecRead),
        ("bucket-owner-full-control", CannedAcl::BucketOwnerFullControl),
        ("bucket-owner-read", CannedAcl::BucketOwnerRead),
        ("log-delivery-write", CannedAcl::LogDeliveryWrite),
        ("private", CannedAcl::Private),
        ("public-read", CannedAcl::PublicRead),
        ("public-read-write", CannedAcl::PublicReadWrite),
    ];

    /// Reads the header.
    pub fn parse(header: &str) -> Option<CannedAcl> {
        Self::ALL.iter().find(|(name, _)| *name == header).map(|(_, acl)| *acl)
    }

    /// As the header names it.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, acl)| *acl == self)
            .map_or("private", |(name, _)| name)
    }

    /// Whether it opens to everyone; new buckets block those.
    pub fn is_public(self) -> bool {
        matches!(
            self,
            CannedAcl::AuthenticatedRead | CannedAcl::PublicRead | CannedAcl::PublicReadWrite
        )
    }
}

/// What a grant lets its grantee do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// All of the others.
    FullControl,
    /// To list a bucket, to read an object.
    Read,
    /// To read the ACL.
    ReadAcp,
    /// To put and delete objects.
    Write,
    /// To change the ACL.
    WriteAcp,
}

impl Permission {
    const ALL: [(&'static str, Permission); 5] = [
        ("FULL_CONTROL", Permission::FullControl),
        ("READ", Permission::Read),
        ("READ_ACP", Permission::ReadAcp),
        ("WRITE", Permission::Write),
        ("WRITE_ACP", Permission::WriteAcp),
    ];

    /// The headers that grant, each with what it grants.
    pub const HEADERS: [(&'static str, Permission); 5] = [
        ("x-amz-grant-full-control", Permission::FullControl),
        ("x-amz-grant-read", Permission::Read),
        ("x-amz-grant-read-acp", Permission::ReadAcp),
        ("x-amz-grant-write", Permission::Write),
        ("x-amz-grant-write-acp", Permission::WriteAcp),
    ];

    /// Reads the name in a document.
    pub fn parse(name: &str) -> Option<Permission> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, one)| *one)
    }

    /// As documents name it.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("FULL_CONTROL", |(name, _)| name)
    }

    /// What it allows on a bucket.
    fn on_bucket(self) -> &'static [&'static str] {
        match self {
            Permission::FullControl => &[
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListBucketMultipartUploads",
                "s3:PutObject",
                "s3:GetBucketAcl",
                "s3:PutBucketAcl",
            ],
            Permission::Read => &[
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListBucketMultipartUploads",
            ],
            Permission::ReadAcp => &["s3:GetBucketAcl"],
            Permission::Write => &["s3:PutObject"],
            Permission::WriteAcp => &["s3:PutBucketAcl"],
        }
    }

    /// What it allows on an object.
    fn on_object(self) -> &'static [&'static str] {
        match self {
            Permission::FullControl => &[
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectAcl",
                "s3:GetObjectVersionAcl",
                "s3:PutObjectAcl",
                "s3:PutObjectVersionAcl",
            ],
            Permission::Read => &["s3:GetObject", "s3:GetObjectVersion"],
            Permission::ReadAcp => &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
            Permission::Write => &[],
            Permission::WriteAcp => &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
        }
    }
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// An account, by its canonical user id.
    Account(AccountId),
    /// Everyone.
    AllUsers,
    /// Everyone with an AWS account.
    AuthenticatedUsers,
    /// The delivery of access logs.
    LogDelivery,
}

impl Grantee {
    const GROUPS: [(&'static str, Grantee); 3] = [
        ("http://acs.amazonaws.com/groups/global/AllUsers", Grantee::AllUsers),
        (
            "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
            Grantee::AuthenticatedUsers,
        ),
        ("http://acs.amazonaws.com/groups/s3/LogDelivery", Grantee::LogDelivery),
    ];

    /// The group of a URI.
    pub fn group(uri: &str) -> Option<Grantee> {
        Self::GROUPS
            .iter()
            .find(|(known, _)| *known == uri)
            .map(|(_, one)| *one)
    }

    /// The URI of a group; `None` of an account.
    pub fn uri(self) -> Option<&'static str> {
        Self::GROUPS.iter().find(|(_, one)| *one == self).map(|(uri, _)| *uri)
    }

    fn is_public(self) -> bool {
        matches!(self, Grantee::AllUsers | Grantee::AuthenticatedUsers)
    }

    /// The principal and condition of its statements.
    fn principal(self) -> (Value, Value) {
        match self {
            Grantee::Account(account) => (json!({"AWS": account.as_str()}), Value::Null),
            Grantee::AllUsers => (json!("*"), Value::Null),
            Grantee::AuthenticatedUsers => (
                json!("*"),
                json!({"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}),
            ),
            Grantee::LogDelivery => (json!({"Service": LOG_DELIVERY}), Value::Null),
        }
    }
}

/// A grant of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For whom.
    pub grantee: Grantee,
    /// Of what.
    pub permission: Permission,
}

/// The grants of a canned ACL of a bucket.
pub fn grants_of_bucket(acl: CannedAcl, owner: AccountId) -> Vec<Grant> {
    use {Grantee::*, Permission::*};
    let more: &[(Grantee, Permission)] = match acl {
        CannedAcl::AuthenticatedRead => &[(AuthenticatedUsers, Read)],
        CannedAcl::LogDeliveryWrite => &[(LogDelivery, Write), (LogDelivery, ReadAcp)],
        CannedAcl::PublicRead => &[(AllUsers, Read)],
        CannedAcl::PublicReadWrite => &[(AllUsers, Read), (AllUsers, Write)],
        _ => &[],
    };
    with_owner(owner, more)
}

/// The grants of a canned ACL of an object. `owner` is the object's.
pub fn grants_of_object(acl: CannedAcl, owner: AccountId, bucket_owner: AccountId) -> Vec<Grant> {
    use {Grantee::*, Permission::*};
    let more: &[(Grantee, Permission)] = match acl {
        CannedAcl::AuthenticatedRead => &[(AuthenticatedUsers, Read)],
        CannedAcl::BucketOwnerFullControl if owner != bucket_owner => &[(Account(bucket_owner), FullControl)],
        CannedAcl::BucketOwnerRead if owner != bucket_owner => &[(Account(bucket_owner), Read)],
        CannedAcl::PublicRead => &[(AllUsers, Read)],
        CannedAcl::PublicReadWrite => &[(AllUsers, Read), (AllUsers, Write)],
        _ => &[],
    };
    with_owner(owner, more)
}

fn with_owner(owner: AccountId, more: &[(Grantee, Permission)]) -> Vec<Grant> {
    let own = (Grantee::Account(owner), Permission::FullControl);
    let all = std::iter::once(&own).chain(more);
    all.map(|(grantee, permission)| Grant {
        grantee: *grantee,
        permission: *permission,
    })
    .collect()
}

/// Whether any of the grants is for everyone.
pub fn is_public(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| grant.grantee.is_public())
}

/// What grants are as statements of a policy. The owner needs none, and public ones count only when `public` does.
pub fn statements(grants: &[Grant], owner: AccountId, public: bool, resource: &AclResource<'_>) -> Vec<Value> {
    let counts = |grant: &&Grant| grant.grantee != Grantee::Account(owner) && (public || !grant.grantee.is_public());
    let statement = |grant: &Grant| {
        let (actions, resources) = match resource {
            AclResource::Bucket(arn) => (grant.permission.on_bucket(), json!([arn, format!("{arn}/*")])),
            AclResource::Object(arn) => (grant.permission.on_object(), json!(escaped(arn))),
        };
        let (principal, condition) = grant.grantee.principal();
        let mut statement =
            json!({"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resources});
        if let (Value::Object(members), Value::Object(_)) = (&mut statement, &condition) {
            members.insert("Condition".to_owned(), condition);
        }
        (!actions.is_empty()).then_some(statement)
    };
    grants.iter().filter(counts).filter_map(statement).collect()
}

/// What an ACL is of, by its ARN.
pub enum AclResource<'a> {
    /// A bucket.
    Bucket(&'a str),
    /// An object.
    Object(&'a str),
}

/// A key may have what a policy takes for wildcards and variables.
fn escaped(arn: &str) -> String {
    let mut out = String::with_capacity(arn.len());
    for c in arn.chars() {
        match c {
            '*' | '?' | '$' => out.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            c => out.push(c),
        }
    }
    out
}

/// Whether ACLs count in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// ACLs are off.
    BucketOwnerEnforced,
    /// ACLs count; `bucket-owner-full-control` hands the object over.
    BucketOwnerPreferred,
    /// ACLs count.
    ObjectWriter,
}

impl Ownership {
    /// Whether ACLs count.
    pub fn has_acls(self) -> bool {
        self != Ownership::BucketOwnerEnforced
    }

    /// As documents name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ownership::BucketOwnerEnforced => "BucketOwnerEnforced",
            Ownership::BucketOwnerPreferred => "BucketOwnerPreferred",
            Ownership::ObjectWriter => "ObjectWriter",
        }
    }

    /// Whose an object is that `writer` puts; `None` is the bucket's owner.
    pub fn owner_of(self, writer: AccountId, bucket_owner: AccountId, acl: Option<CannedAcl>) -> Option<AccountId> {
        let handed_over = self == Ownership::BucketOwnerPreferred && acl == Some(CannedAcl::BucketOwnerFullControl);
        (self.has_acls() && writer != bucket_owner && !handed_over).then_some(writer)
    }

    /// Reads the `x-amz-object-ownership` header.
    pub fn parse(header: &str) -> Option<Ownership> {
        match header {
            "BucketOwnerEnforced" => Some(Ownership::BucketOwnerEnforced),
            "BucketOwnerPreferred" => Some(Ownership::BucketOwnerPreferred),
            "ObjectWriter" => Some(Ownership::ObjectWriter),
            _ => None,
        }
    }
}

/// Why an ACL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclRefusal {
    /// ACLs are off in the bucket.
    NotSupported,
    /// Public ACLs are blocked.
    Public,
    /// Not an ACL of this kind of resource.
    Unknown,
    /// AWS has it, this server not yet.
    Unbuilt,
}

/// Whether an object may be put with this ACL. `block` refuses public ones.
pub fn of_object(acl: CannedAcl, ownership: Ownership, block: bool) -> Result<(), AclRefusal> {
    use CannedAcl::*;
    match (acl, ownership) {
        (LogDeliveryWrite, _) => Err(AclRefusal::Unknown),
        (BucketOwnerFullControl, _) => Ok(()),
        (_, Ownership::BucketOwnerEnforced) => Err(AclRefusal::NotSupported),
        (Private | BucketOwnerRead, _) => Ok(()),
        (AwsExecRead, _) => Err(AclRefusal::Unbuilt),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) if block => Err(AclRefusal::Public),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) => Ok(()),
    }
}

/// Whether a bucket may be made with this ACL. `block` refuses public ones.
pub fn of_bucket(acl: CannedAcl, ownership: Ownership, block: bool) -> Result<(), AclRefusal> {
    use CannedAcl::*;
    match (acl, ownership) {
        (Private, _) => Ok(()),
        (BucketOwnerFullControl | BucketOwnerRead | AwsExecRead, _) => Err(AclRefusal::Unknown),
        (_, Ownership::BucketOwnerEnforced) => Err(AclRefusal::NotSupported),
        (LogDeliveryWrite, _) => Ok(()),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) if block => Err(AclRefusal::Public),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (name, acl) in CannedAcl::ALL {
            assert_eq!((CannedAcl::parse(name), acl.as_str()), (Some(acl), name));
        }
        assert_eq!(CannedAcl::parse("open"), None);
    }

    #[test]
    fn acls_follow_ownership() {
        use {CannedAcl::*, Ownership::*};
        assert_eq!(of_object(BucketOwnerFullControl, BucketOwnerEnforced, true), Ok(()));
        assert_eq!(
            of_object(Private, BucketOwnerEnforced, true),
            Err(AclRefusal::NotSupported)
        );
        assert_eq!(of_object(Private, ObjectWriter, true), Ok(()));
        assert_eq!(of_object(PublicRead, ObjectWriter, true), Err(AclRefusal::Public));
        assert_eq!(
            of_object(LogDeliveryWrite, ObjectWriter, true),
            Err(AclRefusal::Unknown)
        );
        assert_eq!(of_bucket(LogDeliveryWrite, ObjectWriter, true), Ok(()));
        assert_eq!(
            of_bucket(LogDeliveryWrite, BucketOwnerEnforced, true),
            Err(AclRefusal::NotSupported)
        );
        assert_eq!(of_bucket(Private, BucketOwnerEnforced, true), Ok(()));
        assert_eq!(of_bucket(PublicReadWrite, ObjectWriter, true), Err(AclRefusal::Public));
        assert_eq!(of_bucket(PublicReadWrite, ObjectWriter, false), Ok(()));
        assert_eq!(of_object(PublicRead, ObjectWriter, false), Ok(()));
        assert_eq!(
            of_object(PublicRead, BucketOwnerEnforced, false),
            Err(AclRefusal::NotSupported)
        );
    }

    #[test]
    fn objects_belong_to_their_writer_unless_handed_over() {
        use {CannedAcl::*, Ownership::*};
        let (own, other) = (AccountId::FIRST, AccountId::parse("111122223333").unwrap());
        let check = |ownership: Ownership, writer, acl, expected| {
            assert_eq!(ownership.owner_of(writer, own, acl), expected, "{ownership:?} {acl:?}");
        };
        check(ObjectWriter, own, None, None);
        check(ObjectWriter, other, Some(BucketOwnerFullControl), Some(other));
        check(BucketOwnerPreferred, other, Some(BucketOwnerFullControl), None);
        check(BucketOwnerPreferred, other, Some(Private), Some(other));
        check(BucketOwnerEnforced, other, None, None);
    }

    #[test]
    fn grants_are_statements() {
        let check = |acl: CannedAcl, public: bool, expected: &[&str]| {
            let grants = grants_of_bucket(acl, AccountId::FIRST);
            let found: Vec<String> = statements(
                &grants,
                AccountId::FIRST,
                public,
                &AclResource::Bucket("arn:aws:s3:::b"),
            )
            .iter()
            .map(|one| format!("{} {}", one["Principal"], one["Action"][0].as_str().unwrap()))
            .collect();
            assert_eq!(found, expected, "{acl:?}");
        };
        check(CannedAcl::Private, true, &[]);
        check(CannedAcl::PublicRead, false, &[]);
        check(
            CannedAcl::PublicReadWrite,
            true,
            &["\"*\" s3:ListBucket", "\"*\" s3:PutObject"],
        );
        check(
            CannedAcl::LogDeliveryWrite,
            false,
            &[
                r#"{"Service":"logging.s3.amazonaws.com"} s3:PutObject"#,
                r#"{"Service":"logging.s3.amazonaws.com"} s3:GetBucketAcl"#,
            ],
        );
    }

    #[test]
    fn keys_are_no_patterns() {
        assert_eq!(escaped("a*b?c${x}"), "a${*}b${?}c${$}{x}");
    }

    #[test]
    fn names_of_permissions_and_groups_round_trip() {
        for (name, permission) in Permission::ALL {
            assert_eq!((Permission::parse(name), permission.as_str()), (Some(permission), name));
        }
        for (uri, group) in Grantee::GROUPS {
            assert_eq!((Grantee::group(uri), group.uri()), (Some(group), Some(uri)));
        }
        assert_eq!(Grantee::Account(AccountId::FIRST).uri(), None);
    }
}
