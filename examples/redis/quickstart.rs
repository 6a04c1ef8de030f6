//! Two processes share a cache in Redis.
//!
//! `cargo run --release --example redis_quickstart`, with a Redis on this machine or at
//! `REDIS_URL`.

use cache_kit_examples::redis::{config, quickstart};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config("redis://127.0.0.1:6379")?;
    quickstart::run(config, &mut std::io::stdout()).await
}
