//! The reads of configurations that no bucket here has: answered as AWS answers for a bucket without them, so that tools
//! which read all of a bucket (s3cmd info, Terraform, CloudFormation) find what is true. To put one is refused by name.
//!
//! One shape for all of them, for they differ in nothing but names.

use crate::{S3Error, answer, error::Configuration, ops::bucket_call, request::Request};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Render, RenderCtx, Reply, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use serde::Serialize;
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// What there is to know of such a read.
struct Unset {
    operation: &'static str,
    event: &'static str,
    action: &'static str,
    subresource: &'static str,
    answer: Answer,
}

/// How a bucket without the configuration answers.
#[derive(Clone, Copy)]
enum Answer {
    /// An error says that there is none.
    Error(Configuration),
    /// An element without content.
    Empty(&'static str),
    /// A list without entries.
    List(&'static str),
    /// Who pays for requests: always the owner.
    Payer,
}

const UNSET: [Unset; 14] = [
    Unset {
        operation: "GetBucketAccelerateConfiguration",
        event: "GetAccelerateConfiguration",
        action: "s3:GetAccelerateConfiguration",
        subresource: "accelerate",
        answer: Answer::Empty("AccelerateConfiguration"),
    },
    Unset {
        operation: "GetBucketAnalyticsConfiguration",
        event: "GetAnalyticsConfiguration",
        action: "s3:GetAnalyticsConfiguration",
        subresource: "analytics",
        answer: Answer::Error(Configuration::Identified),
    },
    Unset {
        operation: "ListBucketAnalyticsConfigurations",
        event: "ListAnalyticsConfigurations",
        action: "s3:GetAnalyticsConfiguration",
        subresource: "analytics",
        answer: Answer::List("ListBucketAnalyticsConfigurationsResult"),
    },
    Unset {
        operation: "GetBucketCors",
        event: "GetBucketCors",
        action: "s3:GetBucketCORS",
        subresource: "cors",
        answer: Answer::Error(Configuration::Cors),
    },
    Unset {
        operation: "GetBucketIntelligentTieringConfiguration",
        event: "GetIntelligentTieringConfiguration",
        action: "s3:GetIntelligentTieringConfiguration",
        subresource: "intelligent-tiering",
        answer: Answer::Error(Configuration::Identified),
    },
    Unset {
        operation: "ListBucketIntelligentTieringConfigurations",
        event: "ListIntelligentTieringConfigurations",
        action: "s3:GetIntelligentTieringConfiguration",
        subresource: "intelligent-tiering",
        answer: Answer::List("ListBucketIntelligentTieringConfigurationsOutput"),
    },
    Unset {
        operation: "GetBucketInventoryConfiguration",
        event: "GetInventoryConfiguration",
        action: "s3:GetInventoryConfiguration",
        subresource: "inventory",
        answer: Answer::Error(Configuration::Identified),
    },
    Unset {
        operation: "ListBucketInventoryConfigurations",
        event: "ListInventoryConfigurations",
        action: "s3:GetInventoryConfiguration",
        subresource: "inventory",
        answer: Answer::List("ListInventoryConfigurationsResult"),
    },
    Unset {
        operation: "GetBucketMetricsConfiguration",
        event: "GetMetricsConfiguration",
        action: "s3:GetMetricsConfiguration",
        subresource: "metrics",
        answer: Answer::Error(Configuration::Identified),
    },
    Unset {
        operation: "ListBucketMetricsConfigurations",
        event: "ListMetricsConfigurations",
        action: "s3:GetMetricsConfiguration",
        subresource: "metrics",
        answer: Answer::List("ListMetricsConfigurationsResult"),
    },
    Unset {
        operation: "GetBucketNotificationConfiguration",
        event: "GetBucketNotification",
        action: "s3:GetBucketNotification",
        subresource: "notification",
        answer: Answer::Empty("NotificationConfiguration"),
    },
    Unset {
        operation: "GetBucketReplication",
        event: "GetBucketReplication",
        action: "s3:GetReplicationConfiguration",
        subresource: "replication",
        answer: Answer::Error(Configuration::Replication),
    },
    Unset {
        operation: "GetBucketRequestPayment",
        event: "GetBucketRequestPayment",
        action: "s3:GetBucketRequestPayment",
        subresource: "requestPayment",
        answer: Answer::Payer,
    },
    Unset {
        operation: "GetBucketWebsite",
        event: "GetBucketWebsite",
        action: "s3:GetBucketWebsite",
        subresource: "website",
        answer: Answer::Error(Configuration::Website),
    },
];

/// The row of a read.
const fn row(nth: usize) -> &'static Unset {
    const ROWS: &[Unset] = &UNSET;
    let mut rows = ROWS;
    let mut left = nth;
    while let [first, rest @ ..] = rows {
        if left == 0 || rest.is_empty() {
            return first;
        }
        left -= 1;
        rows = rest;
    }
    &ROWS_NEVER_EMPTY
}

const ROWS_NEVER_EMPTY: Unset = Unset {
    operation: "",
    event: "",
    action: "",
    subresource: "",
    answer: Answer::Payer,
};

/// The read of the configuration in row `NTH`.
pub struct GetUnset<const NTH: usize>;

/// On which bucket.
pub struct Input<const NTH: usize> {
    request: Request,
}

impl<const NTH: usize> Parse for Input<NTH> {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        Ok(Input {
            request: Request::of_bucket(call)?,
        })
    }
}

impl<const NTH: usize> Evident for Input<NTH> {
    fn evident(&self) -> Params {
        self.request.evident().text(row(NTH).subresource, "")
    }
}

/// That there is nothing.
pub struct Output(Answer);

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmptyList {
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payment {
    payer: &'static str,
}

impl Evident for Output {
    fn evident(&self) -> Params {
        Params::new()
    }
}

impl Render for Output {
    fn render(self, _: &RenderCtx<'_>) -> Reply {
        match self.0 {
            Answer::Empty(root) => answer::document(root, &Nothing {}),
            Answer::List(root) => answer::document(root, &EmptyList { is_truncated: false }),
            Answer::Payer | Answer::Error(_) => {
                let payment = Payment { payer: "BucketOwner" };
                answer::document("RequestPaymentConfiguration", &payment)
            }
        }
    }
}

impl<const NTH: usize> Operation for GetUnset<NTH> {
    const NAME: &'static str = row(NTH).operation;
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT_NAME: &'static str = row(NTH).event;
    const EVENT: EventClass = EventClass::Management { read_only: true };

    type Input = Input<NTH>;
    type Output = Output;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Self::Input) -> Result<Demands, S3Error> {
        bucket_call::demand(ctx, view, row(NTH).action, &input.request).await
    }

    async fn run(_: &Ctx, _: &mut Txn, input: &Authorized<Self::Input>, _: &Staged) -> Result<Output, S3Error> {
        match row(NTH).answer {
            Answer::Error(what) => Err(S3Error::NoSuchConfiguration {
                bucket: input.request.bucket.clone(),
                what,
            }),
            answer => Ok(Output(answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OPERATIONS;

    #[test]
    fn every_row_is_an_operation() {
        for row in &UNSET {
            let routes = OPERATIONS.iter().filter(|route| route.name == row.operation);
            assert_eq!(routes.count(), 1, "{}", row.operation);
        }
        let names = wire::s3_operation_names();
        assert!(UNSET.iter().all(|row| names.contains(&row.operation)));
    }
}
