//! Batches, some of whose keys other callers wait for, or load.

use super::harness::{Asking, Caller, Reading, all_told, cancel_at_each_await, on_each_store};
use super::table::{Row, Table};
use cache_kit::ManualClock;
use cache_kit::prelude::*;
use cache_kit_tests::soon;
use std::fmt::Debug;
use std::sync::atomic::Ordering;

on_each_store! {
    a_batch_can_be_cancelled_at_each_await
    a_batch_that_a_finder_waits_for_can_be_cancelled_at_each_await
    a_batch_of_which_one_key_is_known_can_be_cancelled_at_each_await
    a_batch_whose_entries_another_process_invalidates_can_be_cancelled_at_each_await
    a_batch_that_retries_can_be_cancelled_at_each_await
    a_batch_that_waits_for_another_can_be_cancelled_at_each_await
}

fn versions(rows: Result<Vec<Row>, cache_kit::Error>) -> Vec<u64> {
    rows.unwrap().iter().map(|row| row.version).collect()
}

/// A batch of three keys. Its followers are batches of two of them and a fourth one.
fn list<B: CacheBackend>() -> Reading<B> {
    Reading {
        follow: |table| Box::pin(async move { versions(table.list(&[4, 3, 1]).await) }),
        invalidate: |table| {
            Box::pin(async move {
                let all = [1, 2, 3, 4];
                table.cache.invalidate_many::<Row>(&all).await.unwrap();
            })
        },
        ..Reading::of(|table: Table<B>| -> Asking {
            Box::pin(async move { versions(table.list(&[1, 2, 3]).await) })
        })
    }
}

async fn a_batch_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    cancel_at_each_await(store, list()).await;
}

async fn a_batch_that_a_finder_waits_for_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        follow: |table| Box::pin(async move { vec![table.find(2).await.unwrap().version] }),
        ..list()
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_batch_of_which_one_key_is_known_can_be_cancelled_at_each_await<
    B: CacheBackend + Debug,
>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        prepare: |table| {
            Box::pin(async move {
                table.find(2).await.unwrap();
                table.cache.run_pending_tasks().await.unwrap();
            })
        },
        ..list()
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_batch_whose_entries_another_process_invalidates_can_be_cancelled_at_each_await<
    B: CacheBackend + Debug,
>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        invalidate: |table| {
            Box::pin(async move {
                let all = [1, 2, 3, 4];
                table.elsewhere.invalidate_many::<Row>(&all).await.unwrap();
            })
        },
        ..list()
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_batch_that_retries_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        prepare: |table| Box::pin(async move { table.failures.store(1, Ordering::SeqCst) }),
        ask: |table| Box::pin(async move { versions(table.list_again(&[1, 2, 3]).await) }),
        follow: |table| Box::pin(async move { versions(table.list_again(&[2, 3]).await) }),
        ..list()
    };
    cancel_at_each_await(store, reading).await;
}

/// A batch that leads two keys and follows the flight of a third one.
async fn a_batch_that_waits_for_another_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    for polls in 0.. {
        assert!(polls < 500, "it does not end");
        let table = Table::over(store);
        let find = |table: Table<B>| -> Asking {
            Box::pin(async move { vec![table.find(2).await.unwrap().version] })
        };
        let mut other = Caller::new(find(table.clone()));
        // It is in the middle of its load, and takes a step whenever the batch has taken three.
        other.poll(9).await;
        assert!(other.told.is_none());
        let mut batch = Caller::new((list().ask)(table.clone()));
        let mut follower = Caller::new((list().follow)(table.clone()));
        for turn in 0..polls {
            batch.poll(1).await;
            follower.poll(1).await;
            if turn % 3 == 2 {
                other.poll(1).await;
            }
        }
        let has_ended = batch.told.is_some();
        batch.cancel();
        let told = all_told([other, batch, follower]).await;
        let told_all = told[0].is_some() && told[1].is_some() == has_ended && told[2].is_some();
        assert!(told_all, "after {polls} polls: {told:?}");
        table.change();
        let all = [1, 2, 3, 4];
        table.cache.invalidate_many::<Row>(&all).await.unwrap();
        for _ in 0..2 {
            let found = soon((list().ask)(table.clone())).await;
            assert_eq!(found, [2, 2, 2], "after {polls} polls");
            soon(table.cache.run_pending_tasks()).await.unwrap();
        }
        table.assert_landed(&format!("after {polls} polls"));
        if has_ended {
            assert!(polls > 8);
            break;
        }
    }
}
