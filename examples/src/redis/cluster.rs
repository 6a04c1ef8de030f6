//! A batch whose keys live on all nodes of a cluster: to the caller it is one.

use std::io::Write;

use anyhow::ensure;
use cache_kit::RedisConfig;
use cache_kit::prelude::*;

use super::employments::{Employment, EmploymentKey, Employments, Table, employment};

/// So many years of one person.
const YEARS: std::ops::Range<i32> = 1924..2024;

/// Reads a hundred rows from a cluster, and tells how many queries that took.
///
/// # Errors
///
/// When the cluster cannot be reached, or something this example claims is not so.
pub async fn run(config: RedisConfig, out: &mut impl Write) -> anyhow::Result<()> {
    let table = Table::default();
    let backend = RedisBackend::new(config)?;
    backend.connect().await?; // to every master
    let cache = CacheService::builder(backend)
        .namespace("example")
        .build()?;
    let employments = Employments::new(&table, cache.clone());
    cache.clear_prefix::<Employment>().await?;
    for year in YEARS {
        employments
            .save(employment("p1", year, "Analytical Engines"))
            .await?;
    }
    let keys: Vec<_> = YEARS.map(|year| EmploymentKey::new("p1", year)).collect();

    let found = employments.find_many(&keys).await?;
    ensure!(found.iter().all(Option::is_some));
    ensure!(table.queries() == 0);
    writeln!(out, "{} rows from all nodes, and no query", found.len())?;

    cache.invalidate_many::<Employment>(&keys[..10]).await?;
    let found = employments.find_many(&keys).await?;
    ensure!(found.iter().all(Option::is_some));
    ensure!(table.queries() == 1);
    writeln!(out, "after 10 of them were invalidated: one query")?;

    cache.clear_prefix::<Employment>().await?;
    ensure!(cache.get::<Employment>(&keys[50]).await?.is_none());
    writeln!(out, "after all of them were cleared: nothing")?;
    Ok(())
}
