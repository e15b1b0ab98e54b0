//! ReplicateKey: a CreateKey in another Region, made with the caller's rights and recorded there.
//!
//! SPEC: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html>

use crate::{
    access::{self, Reach},
    error::KmsError,
    model::{KeyRef, Tag, parse_region, parse_tags, state::Act},
    ops::{CreateKey, create_key::CreateKeyInput, shapes::KeyMetadata},
    synchronize,
    table::{self, Shelf},
};
use base::Region;
use gateway::{
    Ctx, Demands, EventClass, Json, Operation, Staged, Txn,
    ctx::{By, Inner},
    pipeline::reenter,
};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// ReplicateKey.
pub struct ReplicateKey;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicateKeyInput {
    key_id: String,
    replica_region: String,
    policy: Option<String>,
    bypass_policy_lockout_safety_check: Option<bool>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl ReplicateKeyInput {
    fn named(&self) -> Result<KeyRef, KmsError> {
        KeyRef::parse_without_alias("keyId", &self.key_id)
    }

    fn region(&self) -> Result<Region, KmsError> {
        parse_region("replicaRegion", &self.replica_region)
    }
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicateKeyOutput {
    replica_key_metadata: KeyMetadata,
    replica_policy: String,
    replica_tags: Vec<Tag>,
}

fn evident_tags(params: Params, name: &str, tags: &[Tag]) -> Params {
    if tags.is_empty() {
        return params;
    }
    let tag = |tag: &Tag| Params::new().text("tagKey", &tag.key).text("tagValue", &tag.value);
    params.objects(name, tags.iter().map(tag))
}

impl Evident for ReplicateKeyInput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .text("keyId", &self.key_id)
            .text("replicaRegion", &self.replica_region)
            .maybe_text("policy", self.policy.as_deref())
            .flag(
                "bypassPolicyLockoutSafetyCheck",
                self.bypass_policy_lockout_safety_check.unwrap_or(false),
            )
            .text("description", &self.description);
        evident_tags(params, "tags", &self.tags)
    }
}

impl Evident for ReplicateKeyOutput {
    fn evident(&self) -> Params {
        let params = Params::new()
            .object("replicaKeyMetadata", self.replica_key_metadata.evident())
            .text("replicaPolicy", &self.replica_policy);
        evident_tags(params, "replicaTags", &self.replica_tags)
    }
}

impl Operation for ReplicateKey {
    const NAME: &'static str = "ReplicateKey";
    const SERVICE: ServiceName = ServiceName::Kms;
    const EVENT: EventClass = EventClass::Management { read_only: false };
    type Input = Json<ReplicateKeyInput>;
    type Output = Json<ReplicateKeyOutput>;
    type Error = KmsError;

    /// The right to make a key in the other Region is asked for there, when it is made.
    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, KmsError> {
        let region = input.region()?;
        parse_tags(&input.tags)?;
        let demand = access::demand_named(ctx, view, "kms:ReplicateKey", &input.named()?, Reach::OwnAccount).await?;
        Ok(demand.with("kms:ReplicaRegion", region.as_str()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, KmsError> {
        let region = input.region()?;
        let before = access::find(ctx, &txn.view(), &input.named()?).await?;
        let multi = before.permit_primary()?.with_replica(&region);
        before.permit(Act::ReplicateKey)?;
        if !ctx.settings().regions.contains(&region) {
            return Err(KmsError::RegionNotEnabled { region });
        }
        let shelf = Shelf {
            account: before.account,
            region: &region,
        };
        if table::has_key(&txn.view(), shelf, &before.id).await? {
            return Err(KmsError::ReplicaExists {
                key: before.arn_in(&region),
            });
        }
        let replica = CreateKeyInput::replica(
            &before,
            input.policy.clone(),
            input.bypass_policy_lockout_safety_check,
            input.description.clone(),
            input.tags.clone(),
        );
        let inner = Inner {
            by: By::Forward,
            account: before.account,
            region,
        };
        let made = reenter::<CreateKey>(ctx, txn, inner, Json(replica))
            .await
            .map_err(KmsError::Refused)?
            .0;
        let mut key = before.clone();
        key.multi_region = Some(multi);
        synchronize::put_shared(ctx, txn, &key, &before).await?;
        Ok(Json(ReplicateKeyOutput {
            replica_key_metadata: made.key_metadata,
            replica_policy: made.policy,
            replica_tags: input.tags.clone(),
        }))
    }
}
