//! What a call needs to be allowed: each action on each resource, with the policy that speaks for the resource.

use base::{AccountId, Arn};
use policy::{Exemption, Grant, Policy, ResourceKind};
use std::sync::Arc;

/// One action on one resource that the caller must be allowed.
pub struct Demand {
    /// The IAM action, such as `kms:Decrypt`.
    pub action: &'static str,
    /// The resource's ARN, or `*`.
    pub resource: Arn,
    /// The account that owns the resource; `None` means the account that the call acts in.
    pub owner: Option<AccountId>,
    /// Which rules of combination apply.
    pub kind: ResourceKind,
    /// The resource's own policy (key policy, bucket policy), if it has one.
    pub resource_policy: Option<Arc<Policy>>,
    /// The grants of a KMS key, as this request meets them.
    pub grants: Vec<Arc<Grant>>,
    /// Condition keys that only this demand has; the global ones are set by the gateway.
    pub context: Vec<(String, Vec<String>)>,
    /// Whether there is no such resource: it has an owner by name only, who does not hear of the call.
    pub absent: bool,
    /// Whether no resource control policy binds the resource: AWS's own keys in an account.
    pub uncontrolled: bool,
    /// How a refusal names the resource, when not as `on resource: ARN`.
    pub worded: Option<&'static str>,
    /// The CloudFormation-style type under which the resource is shown in the event's `resources`, such as
    /// `AWS::KMS::Key`; `None` keeps it out.
    pub shown_as: Option<&'static str>,
}

impl Demand {
    /// A demand on a resource without a policy of its own, in the account the call acts in.
    pub fn on(action: &'static str, resource: Arn) -> Demand {
        Demand {
            action,
            resource,
            owner: None,
            kind: ResourceKind::Other,
            resource_policy: None,
            grants: Vec::new(),
            context: Vec::new(),
            absent: false,
            uncontrolled: false,
            worded: None,
            shown_as: None,
        }
    }

    /// The same, owned by `owner` and guarded by its policy.
    pub fn guarded(mut self, kind: ResourceKind, owner: AccountId, policy: Option<Arc<Policy>>) -> Demand {
        self.kind = kind;
        self.owner = Some(owner);
        self.resource_policy = policy;
        self
    }

    /// The same, shown in the event's `resources` under this type.
    pub fn shown_as(mut self, resource_type: &'static str) -> Demand {
        self.shown_as = Some(resource_type);
        self
    }

    /// The same with one more condition key.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Demand {
        self.context.push((key.into(), vec![value.into()]));
        self
    }

    /// The same with one more condition key of several values.
    pub fn with_all(mut self, key: impl Into<String>, values: Vec<String>) -> Demand {
        self.context.push((key.into(), values));
        self
    }

    /// The same with one more condition key when there is a value.
    pub fn with_some(self, key: &str, value: Option<impl Into<String>>) -> Demand {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

/// All that a call needs.
pub enum Demands {
    /// Every one of these; never empty.
    All(Vec<Demand>),
    /// Nothing, for a reason that the policy crate knows.
    Exempt(Exemption),
}

impl Demands {
    /// One demand.
    pub fn one(demand: Demand) -> Demands {
        Demands::All(vec![demand])
    }
}

impl From<Demand> for Demands {
    fn from(demand: Demand) -> Demands {
        Demands::one(demand)
    }
}
