//! A cache in a Redis that is reached over TLS.
//!
//! `REDIS_URL=rediss://app:s3cret@host:6380 cargo run --release --example redis_tls -- ca.pem
//! [certificate.pem key.pem]`

use anyhow::{Context as _, bail};
use cache_kit_examples::redis::{config, tls};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = config("rediss://127.0.0.1:6380")?;
    let mut files = Vec::new();
    for path in std::env::args_os().skip(1) {
        files.push(std::fs::read_to_string(&path).with_context(|| path.display().to_string())?);
    }
    let config = match files.as_slice() {
        [] => config, // trusts whom this machine trusts
        [authority] => tls::trust(config, authority, None),
        [authority, certificate, key] => tls::trust(config, authority, Some((certificate, key))),
        _ => bail!("the authority's certificate, then perhaps our own and its key"),
    };
    tls::run(config, &mut std::io::stdout()).await
}
