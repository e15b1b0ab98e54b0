//! Only the policy crate makes `Authorized`.

fn main() {
    let _ = policy::Authorized(std::sync::Arc::new(1));
}
