//! Reads of one thing: a finder, a value, an index look-up, by hand, and with retries.

use super::harness::{Reading, cancel_at_each_await, on_each_store};
use super::table::{Row, Table};
use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use std::fmt::Debug;
use std::sync::atomic::Ordering;

on_each_store! {
    a_finder_can_be_cancelled_at_each_await
    a_finder_whose_entry_another_process_invalidates_can_be_cancelled_at_each_await
    a_value_can_be_cancelled_at_each_await
    an_index_look_up_can_be_cancelled_at_each_await
    an_index_look_up_that_knows_where_the_entity_is_can_be_cancelled_at_each_await
    get_or_load_can_be_cancelled_at_each_await
    a_finder_that_retries_can_be_cancelled_at_each_await
    a_finder_and_a_batch_can_be_cancelled_for_each_other
}

async fn a_finder_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let find = |table: Table<B>| -> super::harness::Asking {
        Box::pin(async move { vec![table.find(1).await.unwrap().version] })
    };
    cancel_at_each_await(store, Reading::of(find)).await;
}

async fn a_finder_whose_entry_another_process_invalidates_can_be_cancelled_at_each_await<
    B: CacheBackend + Debug,
>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        invalidate: |table| {
            Box::pin(async move { table.elsewhere.invalidate::<Row>(&1).await.unwrap() })
        },
        ..Reading::of(|table: Table<B>| {
            Box::pin(async move { vec![table.find(1).await.unwrap().version] })
        })
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_value_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        invalidate: |table| Box::pin(async move { table.forget(1).await }),
        ..Reading::of(|table: Table<B>| {
            Box::pin(async move { vec![table.value(1).await.unwrap()] })
        })
    };
    cancel_at_each_await(store, reading).await;
}

fn by_name<B: CacheBackend>() -> Reading<B> {
    Reading::of(|table| {
        Box::pin(async move {
            let found = table.find_by_name("name 1").await.unwrap();
            vec![found.unwrap().version]
        })
    })
}

async fn an_index_look_up_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    cancel_at_each_await(store, by_name()).await;
}

async fn an_index_look_up_that_knows_where_the_entity_is_can_be_cancelled_at_each_await<
    B: CacheBackend + Debug,
>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        prepare: |table| {
            Box::pin(async move {
                table.find_by_name("name 1").await.unwrap();
                table.cache.run_pending_tasks().await.unwrap();
            })
        },
        ..by_name()
    };
    cancel_at_each_await(store, reading).await;
}

async fn get_or_load_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        follow: |table| Box::pin(async move { vec![table.find(1).await.unwrap().version] }),
        ..Reading::of(|table: Table<B>| {
            Box::pin(async move {
                let load = || async {
                    let version = table.version();
                    tokio::task::yield_now().await;
                    let name = "name 1".to_owned();
                    Ok::<_, Error>(Some(Row {
                        id: 1,
                        name,
                        version,
                    }))
                };
                let found = table.cache.get_or_load(&1, load).await.unwrap();
                vec![found.unwrap().version]
            })
        })
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_finder_that_retries_can_be_cancelled_at_each_await<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        prepare: |table| Box::pin(async move { table.failures.store(1, Ordering::SeqCst) }),
        ..Reading::of(|table: Table<B>| {
            Box::pin(async move { vec![table.find_again(1).await.unwrap().version] })
        })
    };
    cancel_at_each_await(store, reading).await;
}

async fn a_finder_and_a_batch_can_be_cancelled_for_each_other<B: CacheBackend + Debug>(
    store: fn(&ManualClock) -> B,
) {
    let reading = Reading {
        follow: |table| {
            Box::pin(async move {
                let found = table.list(&[1]).await.unwrap();
                found.iter().map(|row| row.version).collect()
            })
        },
        ..Reading::of(|table: Table<B>| {
            Box::pin(async move { vec![table.find(1).await.unwrap().version] })
        })
    };
    cancel_at_each_await(store, reading).await;
}
