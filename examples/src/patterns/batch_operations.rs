//! Batch Operations: many ids at once.

#[expect(
    clippy::ignored_unit_patterns,
    clippy::redundant_pattern_matching,
    reason = "the guide's own words"
)]
pub mod by_hand;
pub mod with_macros;

use std::sync::Arc;

use anyhow::ensure;
use cache_kit::prelude::*;

use super::counting::Counting;
use super::sources::Sources;
use super::staff::{self, Employment, EmploymentRepository};

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Batch Operations",
    by_hand: include_str!("batch_operations/by_hand.rs"),
    with_macros: include_str!("batch_operations/with_macros.rs"),
};

/// How many of [`by_hand::batch_get_bounded`]'s loads run at once in this example.
pub const BOUND: usize = 4;

/// Fetches twelve employments in every way there is.
pub(super) async fn run() -> super::Facts {
    let ids = staff::employment_ids(12);
    let new = || Arc::new(Counting::new(EmploymentRepository));
    let (serial, parallel, bounded, batch) = (new(), new(), new(), new());

    let mut expander = CacheExpander::new(InMemoryBackend::new());
    let one_by_one = by_hand::batch_get::<Employment>(&mut expander, ids.clone(), &*serial).await;
    let backend = Arc::new(InMemoryBackend::new());
    let at_once =
        by_hand::batch_get_parallel::<Employment>(backend, ids.clone(), parallel.clone()).await;
    let expander = CacheExpander::new(InMemoryBackend::new());
    let a_few_at_once =
        by_hand::batch_get_bounded(&expander, ids.clone(), bounded.clone(), BOUND).await;
    let cache = CacheService::new(InMemoryBackend::new());
    let in_one = with_macros::batch_get(&cache, &ids, &*batch).await;

    ensure!(one_by_one == at_once && at_once == a_few_at_once && a_few_at_once == in_one);
    let fact = |way: &str, repository: &Counting<_>| {
        let (queries, most) = (repository.queries(), repository.most_running());
        format!("{way:<24} {queries:>2} queries, at most {most:>2} at once")
    };
    Ok(vec![
        fact("one by one", &serial),
        fact("a task for each", &parallel),
        fact("a few tasks at a time", &bounded),
        fact("`load_many`", &batch),
    ])
}
