//! Registry Pattern: the repositories and feeders of several entities in one place.

#[expect(
    clippy::explicit_iter_loop,
    clippy::uninlined_format_args,
    reason = "the guide's own words"
)]
pub mod by_hand;
pub mod with_macros;

use std::sync::Arc;

use anyhow::ensure;
use cache_kit::Error;
use cache_kit::prelude::*;

use super::counting::Counting;
use super::sources::Sources;
use super::staff::{self, BorrowerRepository, Employment, EmploymentFeeder, EmploymentRepository};

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Registry Pattern",
    by_hand: include_str!("registry_pattern/by_hand.rs"),
    with_macros: include_str!("registry_pattern/with_macros.rs"),
};

/// Fetches employments and borrowers through every registry there is.
pub(super) async fn run() -> super::Facts {
    by_hand::batch_fetch_entities().await;
    with_macros::batch_fetch_entities().await?;

    let mut expander = CacheExpander::new(InMemoryBackend::new());
    let mut registry = by_hand::EntityRegistry::new();
    let employments = Counting::new(EmploymentRepository);
    let ids = staff::employment_ids(3);
    for _ in 0..2 {
        registry
            .fetch_employment_batch(&mut expander, ids.clone(), &employments)
            .await;
    }
    let queries = employments.queries();
    ensure!(queries == 3, "by hand, 3 ids took {queries} queries");

    let employments = Arc::new(Counting::new(EmploymentRepository));
    let registry = with_macros::registry(employments.clone(), BorrowerRepository)?;
    for _ in 0..2 {
        registry.fetch_many::<Employment>(&ids).await;
    }
    let queries = employments.queries();
    ensure!(
        queries == 1,
        "with `CacheRegistry`, 3 ids took {queries} queries"
    );
    ask_for_the_wrong_type(&registry)?;
    Ok(vec![
        "3 employments, fetched twice: 3 queries by hand, 1 with `CacheRegistry`".to_owned(),
        "a feeder asked for by a wrong type is `None` by hand, a `ConfigError` else".to_owned(),
    ])
}

/// Asks both registries for a feeder of a type that is not there.
fn ask_for_the_wrong_type(registry: &CacheRegistry<InMemoryBackend>) -> anyhow::Result<()> {
    let mut feeders = by_hand::CacheRegistry::new(InMemoryBackend::new());
    let feeder = Box::new(EmploymentFeeder::new("emp_1"));
    feeders.register_feeder::<EmploymentFeeder>("first".to_owned(), feeder);
    ensure!(feeders.get_feeder::<EmploymentFeeder>("first").is_some());
    ensure!(
        feeders
            .get_feeder::<GenericFeeder<Employment>>("first")
            .is_none()
    );

    let unknown = registry.feeder::<Employment, GenericFeeder<Employment>>("emp_1".to_owned());
    ensure!(matches!(unknown, Err(Error::ConfigError(_))));
    Ok(())
}
