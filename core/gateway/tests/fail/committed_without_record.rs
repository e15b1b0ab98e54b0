//! A store transaction has no commit of its own: it must be recorded first.

async fn worker(txn: store::Txn) {
    let _ = txn.commit().await;
}

fn main() {}
