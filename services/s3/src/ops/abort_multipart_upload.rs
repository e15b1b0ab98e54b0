//! AbortMultipartUpload: frees the parts of an upload.
//!
//! SPEC: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>

use crate::{
    S3Error, access,
    ops::{bucket_call::Gone, multipart::UploadCall},
    request, table,
};
use gateway::{Call, Ctx, Demands, EventClass, Operation, Parse, Staged, Txn};
use policy::Authorized;
use record::{Evident, Params};
use store::ReadView;
use wire::{ErrorReply, ServiceName};

/// AbortMultipartUpload.
pub struct AbortMultipartUpload;

/// Which upload.
pub struct Input(UploadCall);

impl Parse for Input {
    fn parse(call: &Call) -> Result<Self, ErrorReply> {
        request::refuse_headers(call, &["x-amz-if-match-initiated-time"])?;
        Ok(Input(UploadCall::of(call)?))
    }
}

impl Evident for Input {
    fn evident(&self) -> Params {
        self.0.evident()
    }
}

impl Operation for AbortMultipartUpload {
    const NAME: &'static str = "AbortMultipartUpload";
    const SERVICE: ServiceName = ServiceName::S3;
    const EVENT: EventClass = EventClass::Data {
        resource_type: access::OBJECT,
        read_only: false,
    };

    type Input = Input;
    type Output = Gone;
    type Error = S3Error;

    async fn demands(ctx: &Ctx, view: &ReadView<'_>, input: &Input) -> Result<Demands, S3Error> {
        let request = &input.0.request;
        let found = access::find(ctx, view, request).await?;
        let demand = found.on_object(ctx, "s3:AbortMultipartUpload", request);
        Ok(found.demands(ctx, request, vec![demand]))
    }

    async fn run(_: &Ctx, txn: &mut Txn, input: &Authorized<Input>, _: &Staged) -> Result<Gone, S3Error> {
        let (id, _) = input.0.find(&txn.view()).await?;
        table::abort_upload(txn, input.0.at(), &id).await?;
        Ok(Gone)
    }
}
