//! What PutObject, UploadPart, CopyObject and UploadPartCopy have in common: the headers that describe a new object, and
//! the sealing of its bytes.

mod new_object;
mod seal_object;
mod sealing;
mod store;

pub use new_object::{NewObject, write_condition};
pub use seal_object::{StagedObject, seal_object};
pub use sealing::{Plan, SealedBody, Source, seal_body};
pub use store::store;
