//! What one process has loaded, all have; what one writes, all see.

use std::io::Write;

use anyhow::ensure;
use cache_kit::RedisConfig;
use cache_kit::prelude::*;

use super::employments::{Employment, Employments, Table, employment};

/// Callers who want the same at once, in each of two processes.
const CALLERS: usize = 50;

/// Has two processes share a cache, and tells what came of it.
///
/// # Errors
///
/// When Redis cannot be reached, or something this example claims is not so.
pub async fn run(config: RedisConfig, out: &mut impl Write) -> anyhow::Result<()> {
    let table = Table::default();
    let process = || -> cache_kit::Result<Employments> {
        let cache = CacheService::builder(RedisBackend::new(config.clone())?)
            .namespace("example")
            .build()?;
        Ok(Employments::new(&table, cache))
    };
    let (one, other) = (process()?, process()?);
    one.cache().backend().connect().await?; // fails now, if at all
    one.cache().clear_prefix::<Employment>().await?; // an earlier run may have left something
    one.save(employment("p1", 2024, "Analytical Engines"))
        .await?;

    let found = other.find("p1", 2024).await?;
    ensure!(found.is_some_and(|found| found.employer == "Analytical Engines"));
    ensure!(table.queries() == 0);
    writeln!(
        out,
        "what one process wrote the other reads, without a query"
    )?;

    one.cache()
        .invalidate::<Employment>(&employment("p1", 2024, "").cache_key())
        .await?;
    let calls = [&one, &other].into_iter().flat_map(|process| {
        (0..CALLERS).map(|_| {
            let process = process.clone();
            tokio::spawn(async move { process.find("p1", 2024).await })
        })
    });
    for call in calls.collect::<Vec<_>>() {
        ensure!(call.await??.is_some());
    }
    ensure!(table.queries() == 1);
    writeln!(
        out,
        "{} callers in two processes wanted it at once: one query",
        2 * CALLERS
    )?;

    other
        .save(employment("p1", 2024, "Difference Engines"))
        .await?;
    let found = one.find("p1", 2024).await?;
    ensure!(found.is_some_and(|found| found.employer == "Difference Engines"));
    ensure!(table.queries() == 1);
    writeln!(out, "a write by the other is seen at once")?;
    writeln!(out, "{:?}", one.cache().stats())?;
    Ok(())
}
