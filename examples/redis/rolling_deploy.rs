//! Two versions of one struct in one Redis.
//!
//! `cargo run --release --example rolling_deploy`, with a Redis on this machine or at `REDIS_URL`.

use cache_kit_examples::redis::{config, rolling_deploy};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config("redis://127.0.0.1:6379")?;
    rolling_deploy::run(config, &mut std::io::stdout()).await
}
