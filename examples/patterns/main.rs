//! The patterns of the guide, by hand and with the macros.
//!
//! `cargo run --example patterns`

use cache_kit_examples::patterns;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    patterns::run(&mut std::io::stdout()).await
}
