//! Error Handling: the cache's failures, the database's, and asking again.

#[expect(
    clippy::cast_lossless,
    clippy::ignored_unit_patterns,
    clippy::uninlined_format_args,
    reason = "the guide's own words"
)]
pub mod by_hand;
pub mod unreliable;
pub mod with_macros;

use std::sync::Arc;

use anyhow::ensure;
use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, FailurePolicy};

use self::unreliable::Unreliable;
use super::counting::Counting;
use super::sources::Sources;
use super::staff::{Employment, EmploymentRepository};

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Error Handling",
    by_hand: include_str!("error_handling/by_hand.rs"),
    with_macros: include_str!("error_handling/with_macros.rs"),
};

/// Makes an expander that tells of the cache's failures, and the backend that fails.
///
/// # Errors
///
/// For settings that cannot work.
pub fn telling() -> cache_kit::Result<(
    CacheExpander<Unreliable<ByteBackend>>,
    Unreliable<ByteBackend>,
)> {
    let backend = Unreliable::new(ByteBackend::default());
    let cache = CacheService::builder(backend.clone())
        .failure_policy(FailurePolicy::Propagate)
        .build()?;
    Ok((cache.into(), backend))
}

/// Takes the backend down, then the database.
pub(super) async fn run() -> super::Facts {
    let (mut expander, backend) = telling()?;
    let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
    backend.take_down();
    by_hand::fetch_with_fallback(&mut expander, &mut feeder, &EmploymentRepository).await;
    ensure!(feeder.entity.is_some(), "the fallback asks the database");

    let employments = with_macros::Employments {
        cache: CacheService::new(backend),
        repository: Arc::new(EmploymentRepository),
    };
    let found = employments.find("emp_1").await?;
    ensure!(found.is_some(), "a cache that is down costs a load");

    let tries = [by_hand_tries(3).await?, with_macros_tries(3).await?];
    Ok(vec![
        "backend down: the guide's fallback and plain `#[cached]` both return the row".to_owned(),
        format!(
            "database down, 3 retries: asked {} times by the guide's loop, {} by `with_retry(3)`",
            tries[0], tries[1]
        ),
    ])
}

/// A database that refuses the first ten queries.
fn overloaded() -> Counting<EmploymentRepository> {
    let failures = (0..10).map(|_| Error::transient("too many connections"));
    Counting::failing(EmploymentRepository, failures)
}

async fn by_hand_tries(retries: u32) -> anyhow::Result<usize> {
    let (mut expander, _) = telling()?;
    let repository = overloaded();
    let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
    let fetched = by_hand::fetch_with_retry(&mut expander, &mut feeder, &repository, retries).await;
    ensure!(fetched.is_err(), "the database is down");
    Ok(repository.queries())
}

async fn with_macros_tries(retries: u32) -> anyhow::Result<usize> {
    let repository = Arc::new(overloaded());
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
        repository: repository.clone(),
    };
    let fetched = employments.find_with_retry("emp_1", retries).await;
    ensure!(fetched.is_err(), "the database is down");
    Ok(repository.queries())
}
