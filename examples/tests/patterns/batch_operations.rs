use std::sync::Arc;

use cache_kit::prelude::*;
use cache_kit_examples::patterns::batch_operations::{BOUND, by_hand, with_macros};
use cache_kit_examples::patterns::staff::{Employment, employment_ids};

use crate::table;

/// Twelve that are in the table, in no order, and one that is not.
fn ids() -> Vec<String> {
    let mut ids = employment_ids(12);
    ids.reverse();
    ids.insert(5, "emp_404".to_owned());
    ids
}

/// Says that the results are those of the ids, in their order.
fn in_order(results: &[Option<Employment>]) {
    assert_eq!(results.len(), ids().len());
    for (id, result) in ids().iter().zip(results) {
        let found = result.as_ref().map(|employment| &employment.id);
        assert_eq!(found, (id != "emp_404").then_some(id));
    }
}

#[tokio::test(start_paused = true)]
async fn one_by_one_makes_a_query_for_each_and_keeps_the_order() {
    let (mut expander, table) = (CacheExpander::new(InMemoryBackend::new()), table());
    let results = by_hand::batch_get::<Employment>(&mut expander, ids(), &table).await;
    in_order(&results);
    assert_eq!((table.queries(), table.most_running()), (13, 1));
    by_hand::batch_get::<Employment>(&mut expander, ids(), &table).await;
    assert_eq!(
        table.queries(),
        14,
        "what is there is cached, absence is not"
    );
}

#[tokio::test(start_paused = true)]
async fn tasks_run_all_at_once_and_results_keep_the_order() {
    let (backend, table) = (Arc::new(InMemoryBackend::new()), table());
    let get = || by_hand::batch_get_parallel::<Employment>(backend.clone(), ids(), table.clone());
    in_order(&get().await);
    assert_eq!((table.queries(), table.most_running()), (13, 13));
    in_order(&get().await);
    assert_eq!(table.queries(), 14, "the expanders share the backend");
}

#[tokio::test(start_paused = true)]
async fn expanders_of_their_own_do_not_share_loads() {
    let twice = vec!["emp_1".to_owned(); 2];
    let (backend, own) = (Arc::new(InMemoryBackend::new()), table());
    by_hand::batch_get_parallel::<Employment>(backend, twice.clone(), own.clone()).await;
    assert_eq!(own.queries(), 2);

    let (expander, shared) = (CacheExpander::new(InMemoryBackend::new()), table());
    by_hand::batch_get_bounded::<Employment>(&expander, twice, shared.clone(), BOUND).await;
    assert_eq!(shared.queries(), 1, "clones of one expander do");
}

#[tokio::test(start_paused = true)]
async fn bounded_tasks_run_so_many_at_once() {
    for bound in [1, BOUND, 100] {
        let (expander, table) = (CacheExpander::new(InMemoryBackend::new()), table());
        let results = by_hand::batch_get_bounded(&expander, ids(), table.clone(), bound).await;
        in_order(&results);
        assert_eq!(table.most_running(), bound.min(ids().len()));
    }
}

#[tokio::test(start_paused = true)]
async fn load_many_makes_one_query_of_what_is_missing() {
    let (cache, table) = (CacheService::new(InMemoryBackend::new()), table());
    let results = with_macros::batch_get::<Employment>(&cache, &ids(), &table).await;
    in_order(&results);
    assert_eq!(table.queries(), 1);
    let cached = with_macros::batch_get::<Employment>(&cache, &employment_ids(12), &table).await;
    assert!(cached.iter().all(Option::is_some));
    assert_eq!(table.queries(), 1);
}
