//! Redis over TLS: whom the service trusts, who it is, and a user who may do only what the cache
//! does.

use std::io::Write;

use anyhow::ensure;
use cache_kit::prelude::*;
use cache_kit::{RedisConfig, backend::RedisTls};

use super::employments::{Employments, Table, employment};

/// The rules of an ACL user for the cache: `ACL SETUSER app on >s3cret …`.
pub const RULES: [&str; 17] = [
    "~ck:*",
    "+del",
    "+eval",
    "+evalsha",
    "+get",
    "+hello",
    "+mget",
    "+persist",
    "+pexpire",
    "+pttl",
    "+set",
    "+setrange",
    "+strlen",
    "+time",
    "+unlink",
    "+cluster|slots",
    "+asking",
];

/// Trusts an authority, and shows a certificate of our own where there is one, with its key: all in
/// PEM.
pub fn trust(config: RedisConfig, authority: &str, own: Option<(&str, &str)>) -> RedisConfig {
    let mut tls = RedisTls::new().root_certificate(authority);
    if let Some((certificate, key)) = own {
        tls = tls.client_certificate(certificate, key);
    }
    config.tls(tls)
}

/// Writes and reads a row over TLS.
///
/// # Errors
///
/// When Redis cannot be reached or is not trusted, or something this example claims is not so.
pub async fn run(config: RedisConfig, out: &mut impl Write) -> anyhow::Result<()> {
    let table = Table::default();
    writeln!(out, "{config:?}")?; // shows neither password nor key
    let backend = RedisBackend::new(config)?;
    backend.connect().await?;
    let employments = Employments::new(&table, CacheService::new(backend));
    employments
        .save(employment("p1", 2024, "Analytical Engines"))
        .await?;
    ensure!(employments.find("p1", 2024).await?.is_some());
    ensure!(table.queries() == 0);
    writeln!(out, "written and read over TLS, without a query")?;
    Ok(())
}
