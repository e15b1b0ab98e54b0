//! Managed policies, customers' and AWS's.

use super::{IdKind, IdRow, all, id_key, named_key, put, put_id, remove};
use crate::{
    error::{Entity, IamError},
    model::{
        arns::PolicyArn,
        aws_managed::{self, AwsManaged},
        managed_policy::{ManagedPolicy, POLICIES_PER_ACCOUNT_MAX},
    },
};
use base::{AccountId, Arn, Fault};
use store::{ReadView, Txn};

const KIND: &str = "policy";

/// A managed policy that exists.
#[derive(Clone)]
pub(crate) enum Found {
    Aws(&'static AwsManaged),
    Customer(Box<ManagedPolicy>),
}

impl Found {
    pub(crate) fn id(&self) -> &str {
        match self {
            Found::Aws(policy) => policy.id,
            Found::Customer(policy) => &policy.id,
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Found::Aws(policy) => policy.name,
            Found::Customer(policy) => &policy.name,
        }
    }

    pub(crate) fn arn(&self) -> Arn {
        match self {
            Found::Aws(policy) => policy.arn(),
            Found::Customer(policy) => policy.arn(),
        }
    }

    /// The document that counts.
    pub(crate) fn document(&self) -> Result<&str, Fault> {
        match self {
            Found::Aws(policy) => Ok(policy.document),
            Found::Customer(policy) => policy
                .document()
                .ok_or_else(|| Fault::corrupt(format!("policy {} has no default version", policy.id))),
        }
    }
}

/// The policy of exactly this ARN.
pub(crate) async fn find(view: &ReadView<'_>, arn: &PolicyArn) -> Result<Option<Found>, Fault> {
    let Some(account) = arn.account else {
        return Ok(aws_managed::find(arn.as_str()).map(Found::Aws));
    };
    let policy = by_name(view, account, arn.name()).await?;
    let policy = policy.filter(|policy| policy.arn().as_str() == arn.as_str());
    Ok(policy.map(|policy| Found::Customer(Box::new(policy))))
}

/// The policy of an ARN, of the account or AWS's, to be attached by the account.
pub(crate) async fn attachable(view: &ReadView<'_>, account: AccountId, arn: &PolicyArn) -> Result<Found, IamError> {
    let found = in_reach(view, account, arn).await?;
    found.ok_or_else(|| IamError::NoSuchEntity(Entity::AttachablePolicy(arn.as_str().to_owned())))
}

/// The same, to be a boundary.
pub(crate) async fn boundary(view: &ReadView<'_>, account: AccountId, arn: &PolicyArn) -> Result<Found, IamError> {
    let found = in_reach(view, account, arn).await?;
    found.ok_or_else(|| IamError::NoSuchEntity(Entity::BoundaryPolicy(arn.as_str().to_owned())))
}

/// The same, to be read.
pub(crate) async fn existing(view: &ReadView<'_>, account: AccountId, arn: &PolicyArn) -> Result<Found, IamError> {
    in_reach(view, account, arn).await?.ok_or_else(|| arn.not_found())
}

/// The customer's policy of an ARN, to be changed.
pub(crate) async fn changeable(
    view: &ReadView<'_>,
    account: AccountId,
    arn: &PolicyArn,
) -> Result<ManagedPolicy, IamError> {
    match existing(view, account, arn).await? {
        Found::Customer(policy) => Ok(*policy),
        Found::Aws(policy) => Err(IamError::UnmodifiableEntity {
            policy: policy.name.to_owned(),
        }),
    }
}

async fn in_reach(view: &ReadView<'_>, account: AccountId, arn: &PolicyArn) -> Result<Option<Found>, Fault> {
    match arn.account.is_none_or(|of| of == account) {
        true => find(view, arn).await,
        false => Ok(None),
    }
}

/// The customer's policy of a name, in whatever case, on whatever path.
pub(crate) async fn by_name(
    view: &ReadView<'_>,
    account: AccountId,
    name: &str,
) -> Result<Option<ManagedPolicy>, Fault> {
    view.get_row(&named_key(KIND, account, name)).await
}

/// The account's own policies by name.
pub(crate) async fn policies(view: &ReadView<'_>, account: AccountId) -> Result<Vec<ManagedPolicy>, Fault> {
    all(view, KIND, account, POLICIES_PER_ACCOUNT_MAX).await
}

pub(crate) fn put_policy(txn: &mut Txn, policy: &ManagedPolicy) {
    put(
        txn,
        policy.account,
        named_key(KIND, policy.account, &policy.name),
        policy,
    );
    put_id(
        txn,
        &policy.id,
        &IdRow {
            account: policy.account,
            kind: IdKind::Policy,
            name: policy.name.clone(),
        },
    );
}

/// Removes a policy, which nobody must have any more.
pub(crate) fn delete_policy(txn: &mut Txn, policy: &ManagedPolicy) {
    remove(txn, policy.account, named_key(KIND, policy.account, &policy.name));
    remove(txn, policy.account, id_key(&policy.id));
}
