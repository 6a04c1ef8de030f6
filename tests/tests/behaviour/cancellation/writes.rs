//! Puts and evicts. A dropped write may have been committed, so it invalidates: the entry from
//! before it is not served after that.

use super::harness::{Asking, Caller, all_told, on_each_store, polled};
use super::table::{Row, Table};
use cache_kit::ManualClock;
use cache_kit::prelude::*;
use cache_kit_tests::soon;
use std::fmt::Debug;

on_each_store! {
    a_put_can_be_cancelled_at_each_await
    an_evict_can_be_cancelled_at_each_await
    an_evict_of_a_value_can_be_cancelled_at_each_await
    an_evict_by_tags_can_be_cancelled_at_each_await
    an_invalidation_can_be_cancelled_at_each_await
}

/// The state of the key when a write begins.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Stored,
    /// A reader was polled this many times. It goes on after the write.
    Loading(usize),
}

const BEFORE: [Before; 5] = [
    Before::Nothing,
    Before::Stored,
    Before::Loading(3),
    Before::Loading(8),
    Before::Loading(12),
];

/// A write, and a read of what it writes.
struct Writing<B: CacheBackend> {
    write: fn(Table<B>) -> Asking,
    read: fn(Table<B>) -> Asking,
}

impl<B: CacheBackend> Writing<B> {
    fn of(write: fn(Table<B>) -> Asking) -> Self {
        Self {
            write,
            read: |table| Box::pin(async move { vec![table.find(1).await.unwrap().version] }),
        }
    }
}

async fn cancel_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
    writing: Writing<B>,
) {
    for before in BEFORE {
        let mut polls = 0;
        while !cancel(&Table::over(store), &writing, before, polls).await {
            polls += 1;
            assert!(polls < 500, "{before:?}: it does not complete");
        }
        assert!(polls >= 4, "{before:?}: it has {polls} awaits");
    }
}

/// Cancels a write after this many polls. Returns whether it had completed by itself.
async fn cancel<B: CacheBackend + Debug>(
    table: &Table<B>,
    writing: &Writing<B>,
    before: Before,
    polls: usize,
) -> bool {
    let case = format!("{before:?}, {polls} polls");
    let mut early = Caller::new((writing.read)(table.clone()));
    match before {
        Before::Nothing => early.cancel(),
        Before::Stored => early.poll(usize::MAX).await,
        Before::Loading(polls) => early.poll(polls).await,
    }
    let mut write = Caller::new((writing.write)(table.clone()));
    write.poll(polls).await;
    let is_complete = write.told.is_some();
    // A reader that begins during the write, or right after it.
    let mut late = Caller::new((writing.read)(table.clone()));
    late.poll(9).await;
    write.cancel();
    let last = Caller::new((writing.read)(table.clone()));
    let told = all_told([early, late, last]).await;
    if is_complete {
        let acknowledged = Some(vec![table.version()]);
        assert_eq!(told[1..], [acknowledged.clone(), acknowledged], "{case}");
    }
    let current = table.version();
    for version in told.iter().flatten().flatten() {
        assert!((1..=current).contains(version), "{case}: {version}");
    }
    for _ in 0..2 {
        soon(table.cache.run_pending_tasks()).await.unwrap();
        let found = soon((writing.read)(table.clone())).await;
        assert_eq!(found, [current], "{case}");
    }
    soon(table.cache.run_pending_tasks()).await.unwrap();
    table.assert_landed(&case);
    is_complete
}

async fn a_put_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let save = |table: Table<B>| -> Asking {
        Box::pin(async move { vec![table.save(1).await.unwrap().version] })
    };
    cancel_at_each_await(store, Writing::of(save)).await;
}

async fn an_evict_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let remove = |table: Table<B>| -> Asking {
        Box::pin(async move { vec![table.remove(1).await.unwrap()] })
    };
    cancel_at_each_await(store, Writing::of(remove)).await;
}

async fn an_evict_of_a_value_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let writing = Writing {
        write: |table| Box::pin(async move { vec![table.set_value(1).await.unwrap()] }),
        read: |table: Table<B>| Box::pin(async move { vec![table.value(1).await.unwrap()] }),
    };
    cancel_at_each_await(store, writing).await;
}

async fn an_evict_by_tags_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    for read in [
        (|table: Table<B>| -> Asking {
            Box::pin(async move { vec![table.find(1).await.unwrap().version] })
        }) as fn(Table<B>) -> Asking,
        |table| Box::pin(async move { vec![table.value(1).await.unwrap()] }),
    ] {
        let writing = Writing {
            write: |table| Box::pin(async move { vec![table.change_all(1).await.unwrap()] }),
            read,
        };
        cancel_at_each_await(store, writing).await;
    }
}

/// A dropped `invalidate` has happened or has not. The caller has no acknowledgement and repeats
/// it.
async fn an_invalidation_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    for polls in 0.. {
        assert!(polls < 500, "it does not complete");
        let table = Table::over(store);
        let mut reader: Asking = {
            let table = table.clone();
            Box::pin(async move { vec![table.find(1).await.unwrap().version] })
        };
        let told = polled(&mut reader, 8).await;
        table.change();
        let cache = table.cache.clone();
        let mut telling = Box::pin(async move { cache.invalidate::<Row>(&1).await });
        let is_complete = polled(&mut telling, polls).await.is_some();
        drop(telling);
        if told.is_none() {
            soon(reader).await;
        }
        if !is_complete {
            table.cache.invalidate::<Row>(&1).await.unwrap();
        }
        for _ in 0..2 {
            soon(table.cache.run_pending_tasks()).await.unwrap();
            assert_eq!(
                soon(table.find(1)).await.unwrap().version,
                2,
                "{polls} polls"
            );
        }
        soon(table.cache.run_pending_tasks()).await.unwrap();
        table.assert_landed(&format!("{polls} polls"));
        if is_complete {
            break;
        }
    }
}
