//! What is dropped stays dropped: invalidations, clears and puts against permits that are open.

use super::{Bench, Verdict, expect, value};
use crate::store::tag::Scope;
use crate::store::{CacheBackend, Entry, Filled, Intent, Lookup};

pub(super) async fn what_is_gone_is_dropped_unless_something_newer_came<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let key = bench.key("gone")?;
    bench.store(&key, "text").await?;
    let (late, permit) = (
        bench.open(&key).await?.permit,
        bench.open(&key).await?.permit,
    );
    let dropped = bench.fill_for(permit, Entry::Gone, None).await?;
    expect(dropped, Filled::Stored, "a fill that drops")?;
    bench.expect_miss(&key).await?;
    bench.invalidate(&key).await?;
    bench.store(&key, "newer").await?;
    let dropped = bench.fill_for(late, Entry::Gone, None).await?;
    expect(dropped, Filled::Superseded, "a late fill that drops")?;
    bench.expect_value(&key, "newer").await
}

pub(super) async fn an_invalidated_entry_is_a_miss<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let (key, other) = (bench.key("dropped")?, bench.key("kept")?);
    bench.store(&key, "text").await?;
    bench.store(&other, "other").await?;
    bench.invalidate(&key).await?;
    bench.expect_miss(&key).await?;
    bench.expect_value(&other, "other").await?;
    bench.store(&key, "again").await?;
    bench.expect_value(&key, "again").await
}

pub(super) async fn an_invalidation_can_be_repeated<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("twice")?;
    bench.invalidate(&key).await?;
    bench.invalidate(&key).await?;
    bench.store(&key, "text").await?;
    bench.expect_value(&key, "text").await
}

pub(super) async fn a_cleared_prefix_is_empty_and_others_are_not<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let other = Bench {
        backend: bench.backend.clone(),
        scope: format!("{}-other", bench.scope),
    };
    let (key, kept) = (bench.key("cleared")?, other.key("kept")?);
    bench.store(&key, "text").await?;
    other.store(&kept, "other").await?;
    bench.clear(Scope::Prefix(key.prefix())).await?;
    bench.expect_miss(&key).await?;
    other.expect_value(&kept, "other").await?;
    bench.store(&key, "again").await?;
    bench.expect_value(&key, "again").await
}

pub(super) async fn an_invalidation_voids_a_permit<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    for is_stored in [false, true] {
        let key = bench.key(&format!("voided-{is_stored}"))?;
        if is_stored {
            bench.store(&key, "old").await?;
        }
        let permit = bench.open(&key).await?.permit;
        bench.invalidate(&key).await?;
        let filled = bench.fill(permit, value("stale")).await?;
        expect(
            filled,
            Filled::Superseded,
            "a load from before an invalidation, stored after it,",
        )?;
        bench.expect_miss(&key).await?;
    }
    Ok(())
}

pub(super) async fn a_clear_voids_a_permit<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("clear-voided")?;
    let permit = bench.open(&key).await?.permit;
    bench.clear(Scope::Prefix(key.prefix())).await?;
    expect(
        bench.fill(permit, value("stale")).await?,
        Filled::Superseded,
        "a load from before a clear",
    )?;
    bench.expect_miss(&key).await?;
    let permit = bench.open_for(&key, Intent::Write).await?.permit;
    bench.clear(Scope::Prefix(key.prefix())).await?;
    expect(
        bench.put(permit, "stale").await?,
        Filled::Superseded,
        "a put from before a clear",
    )?;
    bench.expect_miss(&key).await
}

pub(super) async fn a_put_voids_a_permit<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("put-voided")?;
    let load = bench.open(&key).await?.permit;
    let write = bench.open_for(&key, Intent::Write).await?.permit;
    expect(
        bench.put(write, "written").await?,
        Filled::Stored,
        "a put that nothing came before",
    )?;
    expect(
        bench.fill(load, value("stale")).await?,
        Filled::Superseded,
        "a load from before a put",
    )?;
    bench.expect_value(&key, "written").await
}

pub(super) async fn a_put_is_read<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("put")?;
    bench.store(&key, "old").await?;
    let permit = bench.open_for(&key, Intent::Write).await?.permit;
    expect(
        bench.put(permit, "new").await?,
        Filled::Stored,
        "a put that nothing came before",
    )?;
    bench.expect_value(&key, "new").await
}

pub(super) async fn a_put_after_an_invalidation_stores_nothing<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let key = bench.key("put-late")?;
    let permit = bench.open_for(&key, Intent::Write).await?.permit;
    bench.invalidate(&key).await?;
    bench.store(&key, "loaded since").await?;
    expect(
        bench.put(permit, "of unknown age").await?,
        Filled::Superseded,
        "a put from before an invalidation",
    )?;
    bench.expect_miss(&key).await
}

pub(super) async fn of_two_overlapping_puts_neither_is_believed<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let key = bench.key("two-puts")?;
    let first = bench.open_for(&key, Intent::Write).await?.permit;
    let second = bench.open_for(&key, Intent::Write).await?.permit;
    expect(
        bench.put(second, "second").await?,
        Filled::Stored,
        "the put that ends first",
    )?;
    expect(
        bench.put(first, "first").await?,
        Filled::Superseded,
        "the put that ends last",
    )?;
    bench.expect_miss(&key).await
}

pub(super) async fn a_dropped_permit_harms_nothing<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("dropped-permit")?;
    drop(bench.open(&key).await?);
    drop(bench.open_for(&key, Intent::Write).await?);
    bench.store(&key, "text").await?;
    bench.expect_value(&key, "text").await
}

pub(super) async fn a_stamp_stays_until_the_key_changes<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let key = bench.key("stamped")?;
    let stamp = bench.stamp(&key).await?;
    expect(
        bench.stamp(&key).await?,
        stamp,
        "the stamp of the second `open`",
    )?;
    if let Lookup::Miss(Some(missed)) = bench.read(&key).await? {
        expect(missed, stamp, "the stamp of a miss")?;
    }
    bench.store(&key, "text").await?;
    expect(bench.stamp(&key).await?, stamp, "the stamp after a fill")
}

pub(super) async fn a_stamp_does_not_come_back<B: CacheBackend>(bench: Bench<B>) -> Verdict {
    let key = bench.key("restamped")?;
    let mut seen = vec![bench.stamp(&key).await?];
    for step in 0..9 {
        match step % 3 {
            0 => bench.invalidate(&key).await?,
            1 => bench.clear(Scope::Prefix(key.prefix())).await?,
            _ => {
                let permit = bench.open_for(&key, Intent::Write).await?.permit;
                expect(
                    bench.put(permit, "text").await?,
                    Filled::Stored,
                    "a put that nothing came before",
                )?;
            }
        }
        let stamp = bench.stamp(&key).await?;
        expect(
            seen.contains(&stamp),
            false,
            "whether a stamp was seen before",
        )?;
        seen.push(stamp);
    }
    Ok(())
}
