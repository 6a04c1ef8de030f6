//! A month of departures from New York, with a cache and without.
//!
//! `cargo run --release --example quickstart`

use cache_kit_examples::quickstart;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    quickstart::run(&mut std::io::stdout()).await
}
