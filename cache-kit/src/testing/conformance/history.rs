//! The checks that look at what happens when things overlap.

use super::{Bench, Verdict, describe, value};
use crate::key::CacheKey;
use crate::store::{CacheBackend, Entry, Filled};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

/// How many polls a call is given before it is dropped.
const POLLS: usize = 4;
const WRITES: u64 = 300;
const READERS: usize = 3;

pub(super) async fn an_abandoned_call_leaves_no_stale_entry<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    for polls in 0..POLLS {
        let key = bench.key(&format!("abandoned-{polls}"))?;
        let permit = bench.open(&key).await?.permit;
        poll_times(bench.fill(permit, value("loaded")), polls);
        bench.invalidate(&key).await?;
        bench.expect_miss(&key).await?;
        let permit = bench.open(&key).await?.permit;
        poll_times(bench.put(permit, "written"), polls);
        bench.invalidate(&key).await?;
        bench.expect_miss(&key).await?;
    }
    Ok(())
}

fn poll_times<F: Future>(call: F, polls: usize) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
        {
            return;
        }
    }
}

/// The row in the repository, and the newest version that a writer's acknowledged invalidation or
/// put announced.
#[derive(Default)]
struct Truth {
    row: AtomicU64,
    acknowledged: AtomicU64,
}

pub(super) async fn no_reader_sees_what_was_invalidated_before_it_came<B: CacheBackend>(
    bench: Bench<B>,
) -> Verdict {
    let key = bench.key("history")?;
    let (bench, truth) = (Arc::new(bench), Arc::new(Truth::default()));
    let readers: Vec<_> = (0..READERS)
        .map(|_| tokio::spawn(read_on(Arc::clone(&bench), Arc::clone(&truth), key.clone())))
        .collect();
    let written = write_on(&bench, &truth, &key).await;
    truth.row.store(u64::MAX, Ordering::SeqCst);
    for reader in readers {
        reader.await.map_err(|error| error.to_string())??;
    }
    written
}

/// Writes the row; invalidates after even writes, puts after odd ones.
async fn write_on<B: CacheBackend>(bench: &Bench<B>, truth: &Truth, key: &CacheKey) -> Verdict {
    for version in 1..=WRITES {
        let permit = bench.open(key).await?.permit;
        truth.row.store(version, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if version % 2 == 0 {
            bench.invalidate(key).await?;
        } else {
            let (Filled::Stored | Filled::Superseded) =
                bench.put(permit, &version.to_string()).await?;
        }
        truth.acknowledged.store(version, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Reads, loading on a miss, until the writer is done; each value must be as new as what was
/// acknowledged before the read began.
async fn read_on<B: CacheBackend>(
    bench: Arc<Bench<B>>,
    truth: Arc<Truth>,
    key: CacheKey,
) -> Verdict {
    while truth.row.load(Ordering::SeqCst) != u64::MAX {
        let floor = truth.acknowledged.load(Ordering::SeqCst);
        let seen = describe(&bench.read(&key).await?);
        match seen.parse::<u64>() {
            Ok(version) if version < floor => {
                return Err(format!(
                    "a read that began after version {floor} was acknowledged returned {version}"
                ));
            }
            Ok(_) => {}
            Err(_) => load(&bench, &truth, &key).await?,
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn load<B: CacheBackend>(bench: &Bench<B>, truth: &Truth, key: &CacheKey) -> Verdict {
    let permit = bench.open(key).await?.permit;
    let row = truth.row.load(Ordering::SeqCst);
    // The answer is on its way while a writer may come.
    tokio::task::yield_now().await;
    let entry: Entry = value(&row.to_string());
    if row != u64::MAX {
        let (Filled::Stored | Filled::Superseded) = bench.fill(permit, entry).await?;
    }
    Ok(())
}
