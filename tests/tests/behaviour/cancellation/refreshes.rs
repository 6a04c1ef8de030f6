//! Refreshes by a task, refreshes by the caller, early refreshes, and soft timeouts.

use super::harness::{Reading, cancel_at_each_await, on_each_store};
use super::table::Table;
use cache_kit::ManualClock;
use cache_kit::prelude::*;
use cache_kit_tests::{Paced, soon};
use std::fmt::Debug;

on_each_store! {
    a_refresh_by_a_task_can_be_cancelled_at_each_await
    a_refresh_by_the_caller_can_be_cancelled_at_each_await
    a_batch_that_refreshes_can_be_cancelled_at_each_await
    an_early_refresh_by_a_task_can_be_cancelled_at_each_await
    an_early_refresh_by_the_caller_can_be_cancelled_at_each_await
    a_soft_timeout_can_be_cancelled_at_each_await
    a_soft_timeout_of_a_caller_that_leads_can_be_cancelled_at_each_await
}

/// Reads a row. An older version of it is stored and stale.
fn of_stale<B: CacheBackend>(ask: fn(Table<B>) -> super::harness::Asking) -> Reading<B> {
    Reading {
        prepare: |table| {
            Box::pin(async move {
                table.find_stale(1).await.unwrap();
                table.find_stale(2).await.unwrap();
                table.cache.run_pending_tasks().await.unwrap();
                table.outlive();
                table.change();
            })
        },
        lag: 1,
        awaits: 0,
        ..Reading::of(ask)
    }
}

async fn a_refresh_by_a_task_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_stale(|table: Table<B>| {
        Box::pin(async move { vec![table.find_stale(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

async fn a_refresh_by_the_caller_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_stale(|table: Table<B>| {
        Box::pin(async move { vec![table.find_stale_inline(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

async fn a_batch_that_refreshes_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        follow: |table| Box::pin(async move { vec![table.find_stale(2).await.unwrap().version] }),
        invalidate: |table| {
            Box::pin(async move {
                let all = [1, 2, 3];
                let cache = &table.cache;
                cache
                    .invalidate_many::<super::table::Row>(&all)
                    .await
                    .unwrap();
            })
        },
        ..of_stale(|table: Table<B>| {
            Box::pin(async move {
                let found = table.list_stale(&[1, 2, 3]).await.unwrap();
                found.iter().map(|row| row.version).collect()
            })
        })
    };
    cancel_at_each_await(store, reading).await;
}

/// Reads a row. An older version of it is stored and fresh.
fn of_fresh<B: CacheBackend>(ask: fn(Table<B>) -> super::harness::Asking) -> Reading<B> {
    Reading {
        prepare: |table| {
            Box::pin(async move {
                table.find(1).await.unwrap();
                table.cache.run_pending_tasks().await.unwrap();
                table.clock.advance(std::time::Duration::from_secs(9));
                table.change();
            })
        },
        lag: 1,
        awaits: 0,
        ..Reading::of(ask)
    }
}

async fn an_early_refresh_by_a_task_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_fresh(|table: Table<B>| {
        Box::pin(async move { vec![table.find_early(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

async fn an_early_refresh_by_the_caller_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_fresh(|table: Table<B>| {
        Box::pin(async move { vec![table.find_early_inline(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

async fn a_soft_timeout_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_stale(|table: Table<B>| {
        Box::pin(async move { vec![table.find_soon(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

async fn a_soft_timeout_of_a_caller_that_leads_can_be_cancelled_at_each_await<
    B: CacheBackend + Debug,
>(
    store: fn(&ManualClock) -> B,
) {
    let reading = of_stale(|table: Table<B>| {
        Box::pin(async move { vec![table.find_soon_inline(1).await.unwrap().version] })
    });
    cancel_at_each_await(store, reading).await;
}

/// A task is cancelled when its runtime ends.
#[test]
fn a_refresh_whose_runtime_ends_at_any_await_leaves_the_key_to_the_next_caller() {
    let mut refreshed = 0;
    for turns in 0..40 {
        let table = Table::over(Paced::in_memory);
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let ended = runtime();
        ended.block_on(async {
            table.find_stale(1).await.unwrap();
            table.outlive();
            table.change();
            table.find_stale(1).await.unwrap();
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        });
        drop(ended);
        runtime().block_on(async {
            soon(table.cache.run_pending_tasks()).await.unwrap();
            let found = soon(table.find_stale(1)).await.unwrap();
            refreshed += u64::from(found.version == 2);
            soon(table.cache.run_pending_tasks()).await.unwrap();
            assert_eq!(
                soon(table.find_stale(1)).await.unwrap().version,
                2,
                "{turns}"
            );
            soon(table.cache.run_pending_tasks()).await.unwrap();
        });
        table.assert_landed(&format!("{turns} turns"));
    }
    assert!((1..40).contains(&refreshed), "some completed: {refreshed}");
}
