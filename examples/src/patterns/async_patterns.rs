//! Async Patterns: direct calls, and many of them.

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
    heading: "Async Patterns",
    by_hand: include_str!("async_patterns/by_hand.rs"),
    with_macros: include_str!("async_patterns/with_macros.rs"),
};

/// Fetches one employment through the guide's `main`, and three in both versions.
pub(super) async fn run() -> super::Facts {
    by_hand::fetch_one().await?;
    let ids = staff::employment_ids(3);

    let spawned = Arc::new(Counting::new(EmploymentRepository));
    let cache = CacheService::new(InMemoryBackend::new());
    let by_hand =
        by_hand::fetch_batch_async::<Employment>(cache, ids.clone(), spawned.clone()).await;

    let batched = Arc::new(Counting::new(EmploymentRepository));
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
        repository: batched.clone(),
    };
    let with_macros = employments.find_many(&ids).await;
    let one = employments.find("emp_1").await?;
    ensure!(
        by_hand == with_macros,
        "both return what the table has, in order"
    );
    ensure!(one == by_hand[0], "and one alone is the same");
    Ok(vec![format!(
        "3 employments: {} queries in tasks, {} by `load_many`, none for the one after",
        spawned.queries(),
        batched.queries()
    )])
}
