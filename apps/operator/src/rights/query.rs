//! One question: who, what, to which resource, and which condition keys the call will have, will not have, or may have.

use super::document::ANY_SESSION;
use base::AccountId;
use policy::{Context, Principal, ResourceKind};

/// Who asks, as far as it says which condition keys a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A service for itself.
    Service,
    /// A principal by its own call.
    Direct,
    /// A service with a principal's rights, such as S3 that opens an object.
    Forwarded,
    /// Nobody known.
    Anonymous,
}

/// A question about one action on one resource.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) asker: Asker,
    pub(super) principal: Principal,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) owner: AccountId,
    pub(super) kind: ResourceKind,
    /// What the call has.
    pub(super) context: Context,
    /// Whether the caller has no other tags than those in the context.
    pub(super) all_tags: bool,
    /// Whether the resource has no other tags than those in the context.
    pub(super) all_resource_tags: bool,
}

/// Keys of a caller, which no service that acts for itself has.
const CALLERS: [&str; 15] = [
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltype",
    "aws:referer",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
];

/// Keys that a call on something that exists, made without tags, never has.
const NEVER: [&str; 3] = ["aws:requesttag/", "aws:tagkeys", "kms:grantisforawsresource"];

/// Keys of S3 that hang on how a caller signs, or on the object.
const S3_OPEN: [&str; 5] = [
    "s3:existingobjecttag/",
    "s3:signatureage",
    "s3:tlsversion",
    "s3:x-amz-content-sha256",
    "s3:authtype",
];

/// Keys of KMS that hang on the key, where it was not read.
const KMS_OPEN: [&str; 9] = [
    "kms:customermasterkeyspec",
    "kms:customermasterkeyusage",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:multiregionkeytype",
    "kms:resourcealiases",
    "kms:recipientattestation:",
];

impl Query {
    /// The question of a principal's own call over TLS.
    pub(super) fn new(principal: Principal, action: &str, resource: &str, owner: AccountId) -> Query {
        let mut context = Context::of(&principal);
        context.set("aws:SecureTransport", "true");
        context.set("aws:ViaAWSService", "false");
        context.set("aws:ResourceAccount", owner.as_str());
        let asker = match &principal {
            Principal::Anonymous => Asker::Anonymous,
            Principal::Service { .. } => Asker::Service,
            Principal::Root { .. } | Principal::Session { .. } | Principal::User { .. } => Asker::Direct,
        };
        let mut query = Query {
            asker,
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            owner,
            kind: ResourceKind::Other,
            context,
            all_tags: false,
            all_resource_tags: false,
        };
        if query.is_of("s3") {
            query.kind = ResourceKind::Bucket;
            query.context.set("s3:ResourceAccount", owner.as_str());
            if asker == Asker::Direct {
                query.context.set("s3:authType", "REST-HEADER");
                query.context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
            }
        }
        // What is asked of no key, such as kms:ListKeys, no key policy decides.
        if query.is_of("kms") && query.resource != "*" {
            query.kind = ResourceKind::KmsKey;
        }
        query
    }

    /// The same with one more key.
    pub(super) fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Query {
        self.context.set(key.into(), value);
        self
    }

    /// The same with all keys of another context, in place of its own.
    pub(super) fn with_all(mut self, more: &Context) -> Query {
        for (key, values) in more.iter() {
            self.context.set_all(key.to_owned(), values.iter().map(String::as_str));
        }
        self
    }

    /// The same, asked by a service with the caller's rights.
    /// SPEC: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>
    pub(super) fn through(mut self, service: &str) -> Query {
        if self.asker == Asker::Service {
            return self;
        }
        self.asker = Asker::Forwarded;
        self.context.set("aws:ViaAWSService", "true");
        for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"] {
            self.context.set(key, service);
        }
        self
    }

    /// Whether the action is of this service.
    pub(super) fn is_of(&self, service: &str) -> bool {
        let prefix = self.action.split(':').next().unwrap_or_default();
        prefix.eq_ignore_ascii_case(service)
    }

    /// The ARN of the session that asks, when its name is open.
    pub(super) fn open_session(&self) -> Option<&str> {
        match &self.principal {
            Principal::Session { session_arn, .. } => {
                Some(session_arn.as_str()).filter(|arn| arn.ends_with(ANY_SESSION))
            }
            _ => None,
        }
    }

    /// Whether the value of a condition key (in lower case) is in doubt: neither known, nor known to be absent.
    pub(super) fn is_unsure_of(&self, key: &str) -> bool {
        if self.context.get(key).is_some() {
            // Of a session of any name the one half is known.
            return key == "aws:userid" && self.open_session().is_some();
        }
        let Some((service, _)) = key.split_once(':') else {
            return true;
        };
        let is_one_of = |keys: &[&str]| {
            keys.iter()
                .any(|known| key == *known || (known.ends_with(['/', ':']) && key.starts_with(known)))
        };
        match service {
            _ if is_one_of(&NEVER) => false,
            "aws" => self.is_unsure_of_global(key, is_one_of(&CALLERS)),
            "s3" => self.is_of("s3") && self.asker != Asker::Service && is_one_of(&S3_OPEN),
            "kms" => self.is_of("kms") && is_one_of(&KMS_OPEN),
            // The keys of other services are on their own calls.
            other => self.is_of(other),
        }
    }

    fn is_unsure_of_global(&self, key: &str, of_caller: bool) -> bool {
        let called_via = key.starts_with("aws:calledvia");
        let of_source = ["aws:sourcearn", "aws:sourceaccount"].contains(&key);
        let of_source_organization = key.starts_with("aws:sourceorg");
        let of_service = key.starts_with("aws:principalservicename");
        if self.all_resource_tags && key.starts_with("aws:resourcetag/") {
            return false;
        }
        match self.asker {
            Asker::Service => {
                let network = key.starts_with("aws:sourcevpc") || key == "aws:vpcsourceip";
                !(of_caller || network || called_via || key.starts_with("aws:principaltag/"))
            }
            Asker::Anonymous => {
                let of_principal = key.starts_with("aws:principal") || key.starts_with("aws:multifactor");
                !(of_principal || called_via || of_source || of_source_organization || key == "aws:username")
            }
            Asker::Direct | Asker::Forwarded => {
                let is_user = matches!(self.principal, Principal::User { .. });
                let absent_tag = self.all_tags && key.starts_with("aws:principaltag/");
                let no_name = !is_user && key == "aws:username";
                !(called_via || of_source || of_source_organization || of_service || absent_tag || no_name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").unwrap()
    }

    #[test]
    fn what_a_call_has_follows_from_who_makes_it() {
        let service = Query::new(
            Principal::Service {
                name: "cloudtrail.amazonaws.com".to_owned(),
            },
            "s3:PutObject",
            "arn:aws:s3:::b/k",
            account(),
        )
        .with("aws:SourceArn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/t");
        let root = Query::new(
            Principal::Root { account: account() },
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            account(),
        );
        let open = root.clone().through("s3.amazonaws.com");
        let nobody = Query::new(Principal::Anonymous, "s3:GetObject", "arn:aws:s3:::b/k", account());
        let check = |key: &str, expected: [bool; 4]| {
            let found = [&service, &root, &open, &nobody].map(|query| query.is_unsure_of(key));
            assert_eq!(found, expected, "{key}");
        };
        check("aws:sourcearn", [false, false, false, false]);
        check("aws:sourceip", [false, true, true, true]);
        check("aws:multifactorauthpresent", [false, true, true, false]);
        check("aws:securetransport", [false, false, false, false]);
        check("aws:calledvia", [false, false, false, false]);
        check("aws:currenttime", [true, true, true, true]);
        check("aws:sourceorgid", [true, false, false, false]);
        check("aws:somethingnew", [true, true, true, true]);
        check("s3:x-amz-acl", [false, false, false, false]);
        check("s3:tlsversion", [false, true, true, true]);
        check("kms:viaservice", [false, false, false, false]);
        check("ec2:region", [false, false, false, false]);
        check("aws:requesttag/x", [false, false, false, false]);
    }
}
