//! The AWS managed policies that this product has. Their documents are our own, written from what AWS says that each is
//! for; they speak of the services that are here and, by broad patterns, of others.
//!
//! SPEC: <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>

use base::{Arn, Fault, Timestamp};
use policy::{Policy, PolicyKind, PolicySource};
use std::sync::{Arc, OnceLock};

/// A policy of AWS's own. It has one version here.
pub(crate) struct AwsManaged {
    pub(crate) name: &'static str,
    /// `ANPA…`
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    pub(crate) document: &'static str,
    /// Seconds since 1970.
    created: i64,
}

/// All of them, by name.
pub(crate) const POLICIES: [AwsManaged; 6] = [
    AwsManaged {
        name: "AdministratorAccess",
        id: "ANPA2SHOSEKIAAAAAAAA2",
        description: "Allows every action on every resource.",
        document: include_str!("aws_managed/administrator_access.json"),
        created: 1_423_247_986,
    },
    AwsManaged {
        name: "AWSCloudShellFullAccess",
        id: "ANPA2SHOSEKIAAAAAAAA3",
        description: "Allows the use of CloudShell with all its features.",
        document: include_str!("aws_managed/cloud_shell_full_access.json"),
        created: 1_608_055_664,
    },
    AwsManaged {
        name: "AWSCloudTrail_FullAccess",
        id: "ANPA2SHOSEKIAAAAAAAA4",
        description: "Allows everything in CloudTrail, and the making of what a trail delivers to.",
        document: include_str!("aws_managed/cloud_trail_full_access.json"),
        created: 1_602_200_475,
    },
    AwsManaged {
        name: "AWSCloudTrail_ReadOnlyAccess",
        id: "ANPA2SHOSEKIAAAAAAAA5",
        description: "Allows reading in CloudTrail: trails, their state and the event history.",
        document: include_str!("aws_managed/cloud_trail_read_only_access.json"),
        created: 1_655_227_145,
    },
    AwsManaged {
        name: "ReadOnlyAccess",
        id: "ANPA2SHOSEKIAAAAAAAA6",
        description: "Allows reading in every service, contents of buckets included.",
        document: include_str!("aws_managed/read_only_access.json"),
        created: 1_423_247_988,
    },
    AwsManaged {
        name: "SecurityAudit",
        id: "ANPA2SHOSEKIAAAAAAAA7",
        description: "Allows reading how security is set up, and no contents.",
        document: include_str!("aws_managed/security_audit.json"),
        created: 1_423_248_061,
    },
];

impl AwsManaged {
    pub(crate) fn arn(&self) -> Arn {
        let text = format!("arn:aws:iam::aws:policy/{}", self.name);
        // Always of the shape of an ARN.
        Arn::parse(&text).unwrap_or_else(base::arn::any)
    }

    pub(crate) fn created(&self) -> Timestamp {
        Timestamp::from_secs(self.created)
    }
}

/// The policy of an ARN, exactly.
pub(crate) fn find(arn: &str) -> Option<&'static AwsManaged> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    POLICIES.iter().find(|policy| policy.name == name)
}

/// The same, parsed once for all.
pub(crate) fn parsed(policy: &'static AwsManaged, kind: PolicyKind) -> Result<Arc<Policy>, Fault> {
    static AS_IDENTITY: [OnceLock<Arc<Policy>>; POLICIES.len()] = [const { OnceLock::new() }; POLICIES.len()];
    static AS_BOUNDARY: [OnceLock<Arc<Policy>>; POLICIES.len()] = [const { OnceLock::new() }; POLICIES.len()];
    let memory = match kind {
        PolicyKind::Identity => &AS_IDENTITY,
        PolicyKind::PermissionsBoundary => &AS_BOUNDARY,
        _ => return Err(Fault::Bug("a managed policy is an identity policy or a boundary")),
    };
    let at = POLICIES.iter().position(|other| other.name == policy.name);
    let slot = at
        .and_then(|at| memory.get(at))
        .ok_or(Fault::Bug("no such AWS managed policy"))?;
    if let Some(parsed) = slot.get() {
        return Ok(Arc::clone(parsed));
    }
    let parsed = Policy::parse(policy.document, kind)
        .map_err(|error| Fault::corrupt_by(format!("the AWS managed policy {}", policy.name), error))?;
    let parsed = Arc::new(parsed.with_source(source(policy.arn().as_str())));
    Ok(Arc::clone(slot.get_or_init(|| parsed)))
}

/// Where a managed policy is kept, for messages.
pub(crate) fn source(arn: &str) -> PolicySource {
    PolicySource {
        arn: Some(arn.into()),
        name: format!("managed policy {arn}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document;
    use base::AccountId;
    use policy::{Context, Policies, Principal, Request, ResourceKind, decide};

    #[test]
    fn each_is_a_managed_policy_of_one_name_and_id() {
        for policy in &POLICIES {
            document::check_managed(policy.document).unwrap();
            for kind in [PolicyKind::Identity, PolicyKind::PermissionsBoundary] {
                let first = parsed(policy, kind).unwrap();
                assert!(Arc::ptr_eq(&first, &parsed(policy, kind).unwrap()));
                let arn = first.source().and_then(|source| source.arn.clone());
                assert_eq!(arn.as_deref(), Some(policy.arn().as_str()));
            }
            assert_eq!(find(policy.arn().as_str()).map(|found| found.id), Some(policy.id));
            assert_eq!(policy.id.len(), 21, "{}", policy.name);
        }
        let mut names: Vec<&str> = POLICIES.iter().map(|policy| policy.name).collect();
        names.dedup();
        assert_eq!(names.len(), POLICIES.len());
        assert!(find("arn:aws:iam::aws:policy/readonlyaccess").is_none());
    }

    #[test]
    fn each_allows_what_it_is_for_and_no_more() {
        let user = Principal::User {
            account: AccountId::FIRST,
            arn: "arn:aws:iam::000000000000:user/a".to_owned(),
            id: "AIDAX".to_owned(),
            name: "a".to_owned(),
        };
        let context = Context::of(&user);
        let check = |name: &str, action: &str, expected: bool| {
            let policy = POLICIES.iter().find(|policy| policy.name == name).unwrap();
            let identity = [parsed(policy, PolicyKind::Identity).unwrap()];
            let request = Request {
                principal: &user,
                action,
                resource: "*",
                owner: Some(AccountId::FIRST),
                kind: ResourceKind::Other,
                context: &context,
            };
            let policies = Policies {
                identity: &identity,
                ..Policies::default()
            };
            let allowed = decide(&request, &policies).denial().is_none();
            assert_eq!(allowed, expected, "{name} {action}");
        };
        for action in ["s3:DeleteBucket", "kms:Decrypt", "iam:CreateUser", "any:Thing"] {
            check("AdministratorAccess", action, true);
        }
        for action in [
            "s3:GetObject",
            "s3:ListBucket",
            "kms:DescribeKey",
            "kms:ListGrants",
            "cloudtrail:LookupEvents",
            "cloudtrail:GetTrailStatus",
            "iam:GetUser",
            "iam:SimulatePrincipalPolicy",
            "ec2:DescribeRegions",
            "logs:FilterLogEvents",
            "organizations:DescribeOrganization",
            "glue:GetTable",
        ] {
            check("ReadOnlyAccess", action, true);
        }
        for action in [
            "s3:PutObject",
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "cloudtrail:StopLogging",
            "iam:CreateUser",
            "sts:AssumeRole",
        ] {
            check("ReadOnlyAccess", action, false);
            check("SecurityAudit", action, false);
        }
        for action in [
            "s3:GetBucketPolicy",
            "kms:GetKeyPolicy",
            "iam:GetAccountAuthorizationDetails",
        ] {
            check("SecurityAudit", action, true);
        }
        check("SecurityAudit", "s3:GetObject", false);
        for action in [
            "cloudtrail:CreateTrail",
            "cloudtrail:LookupEvents",
            "kms:ListAliases",
            "s3:ListAllMyBuckets",
        ] {
            check("AWSCloudTrail_FullAccess", action, true);
        }
        for action in ["s3:DeleteBucket", "kms:Decrypt", "iam:CreateUser"] {
            check("AWSCloudTrail_FullAccess", action, false);
        }
        check("AWSCloudTrail_ReadOnlyAccess", "cloudtrail:GetTrail", true);
        check("AWSCloudTrail_ReadOnlyAccess", "cloudtrail:LookupEvents", true);
        check("AWSCloudTrail_ReadOnlyAccess", "cloudtrail:UpdateTrail", false);
        check("AWSCloudShellFullAccess", "cloudshell:CreateEnvironment", true);
        check("AWSCloudShellFullAccess", "s3:ListAllMyBuckets", false);
    }
}
