//! A batch from all nodes of a cluster.
//!
//! `REDIS_URL=redis-cluster://host:7000,host2:7000 cargo run --release --example redis_cluster`

use cache_kit_examples::redis::{cluster, config};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config("redis-cluster://127.0.0.1:7000")?;
    cluster::run(config, &mut std::io::stdout()).await
}
