//! Work that nobody waits for: messages are sent, tokens end.

mod deliver;
mod forget;
mod post;

pub(crate) use deliver::Eager;
pub use deliver::deliver;
pub use forget::Forget;
