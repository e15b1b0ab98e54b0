//! Canned ACLs and object ownership.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>

use base::AccountId;
use serde::{Deserialize, Serialize};

/// The group that S3's access-log delivery writes as.
pub const LOG_DELIVERY_GROUP: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

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

/// A grant of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For whom.
    pub grantee: Grantee,
    /// Of what.
    pub permission: Permission,
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

/// Whether an object may be put with this ACL.
pub fn of_object(acl: CannedAcl, ownership: Ownership) -> Result<(), AclRefusal> {
    use CannedAcl::*;
    match (acl, ownership) {
        (LogDeliveryWrite, _) => Err(AclRefusal::Unknown),
        (BucketOwnerFullControl, _) => Ok(()),
        (_, Ownership::BucketOwnerEnforced) => Err(AclRefusal::NotSupported),
        (Private | BucketOwnerRead, _) => Ok(()),
        (AwsExecRead, _) => Err(AclRefusal::Unbuilt),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) => Err(AclRefusal::Public),
    }
}

/// Whether a bucket may be made with this ACL.
pub fn of_bucket(acl: CannedAcl, ownership: Ownership) -> Result<(), AclRefusal> {
    use CannedAcl::*;
    match (acl, ownership) {
        (Private, _) => Ok(()),
        (BucketOwnerFullControl | BucketOwnerRead | AwsExecRead, _) => Err(AclRefusal::Unknown),
        (_, Ownership::BucketOwnerEnforced) => Err(AclRefusal::NotSupported),
        (LogDeliveryWrite, _) => Ok(()),
        (AuthenticatedRead | PublicRead | PublicReadWrite, _) => Err(AclRefusal::Public),
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
        assert_eq!(of_object(BucketOwnerFullControl, BucketOwnerEnforced), Ok(()));
        assert_eq!(of_object(Private, BucketOwnerEnforced), Err(AclRefusal::NotSupported));
        assert_eq!(of_object(Private, ObjectWriter), Ok(()));
        assert_eq!(of_object(PublicRead, ObjectWriter), Err(AclRefusal::Public));
        assert_eq!(of_object(LogDeliveryWrite, ObjectWriter), Err(AclRefusal::Unknown));
        assert_eq!(of_bucket(LogDeliveryWrite, ObjectWriter), Ok(()));
        assert_eq!(
            of_bucket(LogDeliveryWrite, BucketOwnerEnforced),
            Err(AclRefusal::NotSupported)
        );
        assert_eq!(of_bucket(Private, BucketOwnerEnforced), Ok(()));
        assert_eq!(of_bucket(PublicReadWrite, ObjectWriter), Err(AclRefusal::Public));
    }
}
