//! A write is seen by the very next read, though the entry it replaces had an hour to live.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, ensure};

use super::model::Plane;
use super::repository::Repository;

/// A plane on record, which the replay has left in the cache.
const KNOWN: &str = "N14228";

/// A plane not on record, whose absence the replay has left in the cache.
const UNKNOWN: &str = "N3GRAA";

/// Changes a plane, removes it, registers it anew, and checks what is read after each.
///
/// # Errors
///
/// When a query fails, or a read returns what was there before the write.
pub async fn show(repository: &Repository, out: &mut impl Write) -> anyhow::Result<()> {
    let refitted = update(repository, out).await?;
    removal(repository, out).await?;
    registration(repository, &refitted, out).await
}

/// `#[cache_put]`: the plane that was written is what is read, without a load.
async fn update(repository: &Repository, out: &mut impl Write) -> anyhow::Result<Plane> {
    let before = read_cached(repository, KNOWN).await?;
    let before = before.with_context(|| format!("{KNOWN} should be on record"))?;
    let refitted = Plane {
        seats: before.seats + 6,
        ..Plane::clone(&before)
    };
    repository.save_plane(refitted.clone()).await?;

    let after = read_cached(repository, KNOWN).await?;
    ensure!(
        after.as_deref() == Some(&refitted),
        "{KNOWN} was updated, and is read as {after:?}"
    );
    writeln!(
        out,
        "#[cache_put]    {KNOWN}: {} seats -> {} seats, seen at once",
        before.seats, refitted.seats
    )?;
    Ok(refitted)
}

/// `#[cache_evict]`: the plane that was removed is absent.
async fn removal(repository: &Repository, out: &mut impl Write) -> anyhow::Result<()> {
    repository.remove_plane(KNOWN).await?;

    let after = repository.plane(KNOWN).await?;
    ensure!(
        after.is_none(),
        "{KNOWN} was removed, and is read as {after:?}"
    );
    writeln!(
        out,
        "#[cache_evict]  {KNOWN}: on record -> absent, seen at once"
    )?;
    Ok(())
}

/// `#[cache_put]` ends an absence as well: the plane is there under its new tail number.
async fn registration(
    repository: &Repository,
    refitted: &Plane,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let before = read_cached(repository, UNKNOWN).await?;
    ensure!(before.is_none(), "{UNKNOWN} should not be on record yet");
    let registered = Plane {
        tailnum: UNKNOWN.to_owned(),
        ..refitted.clone()
    };
    repository.save_plane(registered.clone()).await?;

    let after = read_cached(repository, UNKNOWN).await?;
    ensure!(
        after.as_deref() == Some(&registered),
        "{UNKNOWN} was registered, and is read as {after:?}"
    );
    writeln!(
        out,
        "#[cache_put]    {UNKNOWN}: absent -> on record, seen at once"
    )?;
    Ok(())
}

/// Reads a plane, and makes sure that it, or its absence, came from the cache.
async fn read_cached(repository: &Repository, tailnum: &str) -> anyhow::Result<Option<Arc<Plane>>> {
    let loads = repository.stats().loads;
    let plane = repository.plane(tailnum).await?;
    ensure!(
        repository.stats().loads == loads,
        "{tailnum} should have been in the cache"
    );
    Ok(plane)
}
