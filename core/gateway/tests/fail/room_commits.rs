//! A room holds `&mut Txn`: the transaction cannot be taken out of it, so it cannot be committed.

async fn room(txn: &mut gateway::Txn) {
    let _ = txn.record(Vec::new());
}

fn main() {}
