//! A room cannot begin a transaction of its own: the world does not hand out the store.

async fn room(ctx: &gateway::Ctx) {
    let _ = ctx.world().store().begin();
}

fn main() {}
