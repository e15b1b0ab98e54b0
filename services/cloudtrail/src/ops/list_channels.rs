//! ListChannels: the account's channels in this Region, by id.
//!
//! SPEC: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListChannels.html>

use crate::{ChannelError, table::channels};
use base::arn;
use gateway::{Ctx, Demand, Demands, EventClass, Json, Operation, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::{Deserialize, Serialize};
use store::ReadView;
use wire::ServiceName;

/// The most channels that a page may be asked for; also the default.
const RESULTS_MAX: i64 = 1000;
const TOKEN: &str = "after-";

/// The operation.
pub(super) struct ListChannels;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl Evident for Input {
    fn evident(&self) -> Params {
        Params::new()
            .maybe_number("maxResults", self.max_results)
            .maybe_text("nextToken", self.next_token.as_deref())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    channels: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    channel_arn: String,
    name: String,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Operation for ListChannels {
    const NAME: &'static str = "ListChannels";
    const SERVICE: ServiceName = ServiceName::CloudTrail;
    const EVENT: EventClass = EventClass::Management { read_only: true };
    type Input = Json<Input>;
    type Output = Json<Output>;
    type Error = ChannelError;

    async fn demands(_: &Ctx, _: &ReadView<'_>, _: &Self::Input) -> Result<Demands, ChannelError> {
        Ok(Demand::on("cloudtrail:ListChannels", arn::any()).into())
    }

    async fn run(
        ctx: &Ctx,
        txn: &mut Txn,
        input: &Authorized<Self::Input>,
        _: &Staged,
    ) -> Result<Self::Output, ChannelError> {
        let asked = input.max_results.unwrap_or(RESULTS_MAX);
        if !(1..=RESULTS_MAX).contains(&asked) {
            let (bound, limit) = if asked < 1 {
                ("greater", 1)
            } else {
                ("less", RESULTS_MAX)
            };
            let constraint = format!("Member must have value {bound} than or equal to {limit}");
            return Err(ChannelError::constraint(asked, "maxResults", constraint));
        }
        let after = match &input.next_token {
            None => None,
            Some(token) => Some(token.strip_prefix(TOKEN).ok_or(ChannelError::InvalidNextToken)?),
        };
        // In the order of their ids, which never change: a page goes on where the last one ended, whatever came or went.
        let mut all = channels::all(&txn.view(), ctx.account, &ctx.region).await?;
        all.retain(|channel| after.is_none_or(|after| channel.id.as_str() > after));
        let size = usize::try_from(asked).unwrap_or(usize::MAX);
        let more = all.len() > size;
        all.truncate(size);
        let last = all
            .last()
            .filter(|_| more)
            .map(|channel| format!("{TOKEN}{}", channel.id));
        let listed = all.into_iter().map(|channel| Listed {
            channel_arn: channel.arn().as_str().to_owned(),
            name: channel.name,
        });
        Ok(Json(Output {
            channels: listed.collect(),
            next_token: last,
        }))
    }
}
