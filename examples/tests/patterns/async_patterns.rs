use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_examples::patterns::async_patterns::{by_hand, with_macros};
use cache_kit_examples::patterns::staff::{Employment, employment_ids};

use crate::table;

#[tokio::test(start_paused = true)]
async fn a_direct_call_loads_once_and_then_hits() {
    let (expander, table) = (CacheExpander::new(InMemoryBackend::new()), table());
    for _ in 0..2 {
        let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
        by_hand::fetch_cached(&expander, &mut feeder, &table, CacheStrategy::Refresh)
            .await
            .expect("the table does not fail");
        assert!(feeder.entity.is_some());
    }
    assert_eq!(table.queries(), 1);
    by_hand::fetch_one().await.expect("the table does not fail");
}

#[tokio::test]
async fn a_fresh_miss_feeds_nothing_and_is_an_error() {
    let expander = CacheExpander::new(InMemoryBackend::new());
    let (table, mut feeder) = (
        table(),
        GenericFeeder::<Employment>::new("emp_1".to_owned()),
    );
    let fetched = by_hand::fetch_cached(&expander, &mut feeder, &table, CacheStrategy::Fresh).await;
    assert!(matches!(fetched, Err(Error::CacheMiss)));
    assert!(feeder.entity.is_none());
    assert_eq!(table.queries(), 0);
}

#[tokio::test(start_paused = true)]
async fn tasks_share_the_service_and_results_keep_the_order() {
    let (cache, table) = (CacheService::new(InMemoryBackend::new()), table());
    let mut ids = employment_ids(5);
    ids.push("emp_404".to_owned());
    ids.push("emp_1".to_owned());
    let fetched = by_hand::fetch_batch_async::<Employment>(cache, ids.clone(), table.clone()).await;
    let found: Vec<_> = fetched
        .iter()
        .map(|employment| employment.as_ref().map(|employment| employment.id.as_str()))
        .collect();
    let expected = ["emp_1", "emp_2", "emp_3", "emp_4", "emp_5"].map(Some);
    assert_eq!(found, [&expected[..], &[None, Some("emp_1")]].concat());
    assert_eq!(
        table.queries(),
        6,
        "emp_1 was asked for twice and loaded once"
    );
}

#[tokio::test(start_paused = true)]
async fn with_macros_one_and_many_share_what_is_cached() {
    let table = table();
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
        repository: table.clone(),
    };
    let ids = employment_ids(5);
    let many = employments.find_many(&ids).await;
    assert!(many.iter().all(Option::is_some));
    assert_eq!(table.queries(), 1);
    let one = employments
        .find("emp_3")
        .await
        .expect("the table does not fail");
    assert_eq!(one, many[2]);
    assert_eq!(table.queries(), 1);
}
