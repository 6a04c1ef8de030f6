use std::sync::Arc;
use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{CacheKey, Error};
use cache_kit_examples::patterns::counting::Counting;
use cache_kit_examples::patterns::error_handling::unreliable::Unreliable;
use cache_kit_examples::patterns::error_handling::{by_hand, telling, with_macros};
use cache_kit_examples::patterns::staff::{Employment, EmploymentRepository};
use tokio::time::Instant;

use crate::table;

type Table = Arc<Counting<EmploymentRepository>>;

fn feeder() -> GenericFeeder<Employment> {
    GenericFeeder::new("emp_1".to_owned())
}

/// Makes a table the first queries of which fail.
fn failing(count: usize, failure: &Error) -> Table {
    let failures = std::iter::repeat_n(failure.clone(), count);
    Arc::new(Counting::failing(EmploymentRepository, failures))
}

fn employments<B: CacheBackend>(backend: B, table: &Table) -> with_macros::Employments<B> {
    with_macros::Employments {
        cache: CacheService::new(backend),
        repository: table.clone(),
    }
}

fn damage(backend: &ByteBackend) {
    let key = CacheKey::of::<Employment>(None, &"emp_1".to_owned()).expect("a key that can be");
    assert!(backend.tamper(&key, |bytes| bytes.truncate(60)));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_down_is_passed_by() {
    let (mut expander, backend) = telling().expect("settings that work");
    backend.take_down();
    let (table, mut feeder) = (table(), feeder());
    let told = expander
        .with(&mut feeder, &table, CacheStrategy::Refresh)
        .await;
    assert!(matches!(told, Err(Error::BackendError(_))));
    assert_eq!(table.queries(), 0);
    by_hand::fetch_with_fallback(&mut expander, &mut feeder, &table).await;
    assert!(feeder.entity.is_some());
    assert_eq!(table.queries(), 1);

    let employments = employments(backend, &table);
    assert!(
        employments
            .find("emp_1")
            .await
            .is_ok_and(|found| found.is_some())
    );
    assert_eq!(table.queries(), 2);
    assert!(employments.cache.stats().failures > 0, "and it is counted");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_entry_is_loaded_anew() {
    let (mut expander, backend) = telling().expect("settings that work");
    let (table, mut feeder) = (table(), feeder());
    by_hand::fetch_with_fallback(&mut expander, &mut feeder, &table).await;
    damage(backend.inner());
    let told = expander
        .with(&mut feeder, &table, CacheStrategy::Refresh)
        .await;
    assert!(matches!(told, Err(Error::DeserializationError(_))));
    by_hand::fetch_with_fallback(&mut expander, &mut feeder, &table).await;
    by_hand::fetch_with_fallback(&mut expander, &mut feeder, &table).await;
    assert!(feeder.entity.is_some());
    assert_eq!(table.queries(), 2, "the last one was a hit");
}

#[tokio::test(start_paused = true)]
async fn with_macros_a_damaged_entry_is_replaced_and_nobody_is_told() {
    let (table, backend) = (table(), ByteBackend::default());
    let employments = employments(Unreliable::new(backend.clone()), &table);
    employments.find("emp_1").await.expect("it does not fail");
    damage(&backend);
    for _ in 0..2 {
        let found = employments.find("emp_1").await;
        assert!(found.is_ok_and(|found| found.is_some()));
    }
    assert_eq!(table.queries(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_down_the_cache_alone_answers() {
    let (mut expander, _) = telling().expect("settings that work");
    let down = Error::RepositoryError("connection refused".into());
    let (mut fed, table) = (feeder(), failing(1, &down));
    by_hand::fetch_with_fallback(&mut expander, &mut fed, &table).await;
    assert!(fed.entity.is_none(), "nothing was cached");
    by_hand::fetch_with_fallback(&mut expander, &mut fed, &table).await;
    assert!(fed.entity.is_some(), "it is up again");

    let (mut fed, table) = (feeder(), failing(1, &down));
    by_hand::fetch_with_fallback(&mut expander, &mut fed, &table).await;
    assert!(fed.entity.is_some(), "it is cached");
    assert_eq!(table.queries(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_guides_loop_tries_so_often_in_all_and_waits_longer_each_time() {
    let (mut expander, _) = telling().expect("settings that work");
    let busy = Error::transient("too many connections");
    let (table, began) = (failing(2, &busy), Instant::now());
    let mut feeder = feeder();
    let fetched = by_hand::fetch_with_retry(&mut expander, &mut feeder, &table, 3).await;
    assert!(fetched.is_ok() && feeder.entity.is_some());
    assert_eq!(table.queries(), 3);
    let waits = Duration::from_millis(100 + 200);
    assert_eq!(began.elapsed(), waits + 3 * Counting::<()>::QUERY);
}

#[tokio::test(start_paused = true)]
async fn with_retry_counts_what_comes_after_the_first() {
    let busy = Error::transient("too many connections");
    for (failures, queries, is_ok) in [(3, 4, true), (10, 4, false)] {
        let table = failing(failures, &busy);
        let employments = employments(InMemoryBackend::new(), &table);
        let found = employments.find_with_retry("emp_1", 3).await;
        assert_eq!((found.is_ok(), table.queries()), (is_ok, queries));
    }
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_tried_again_by_the_guides_loop_only() {
    let permanent = Error::RepositoryError("no such table".into());
    let table = failing(10, &permanent);
    let (mut expander, _) = telling().expect("settings that work");
    let tried = by_hand::fetch_with_retry(&mut expander, &mut feeder(), &table, 3).await;
    assert!(matches!(tried, Err(Error::RepositoryError(_))));
    assert_eq!(table.queries(), 3);

    let table = failing(10, &permanent);
    let employments = employments(InMemoryBackend::new(), &table);
    assert!(employments.find_with_retry("emp_1", 3).await.is_err());
    assert_eq!(table.queries(), 1);
}
