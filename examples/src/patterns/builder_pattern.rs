//! Builder Pattern: a cache with more than one setting.

pub mod by_hand;
pub mod with_macros;

use std::time::Duration;

use anyhow::ensure;
use cache_kit::ManualClock;
use cache_kit::prelude::*;

use super::sources::Sources;
use super::staff::{Employment, EmploymentRepository};

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Builder Pattern",
    by_hand: include_str!("builder_pattern/by_hand.rs"),
    with_macros: include_str!("builder_pattern/with_macros.rs"),
};

/// Prints what happens in a cache. The guide names it, and leaves it out.
pub struct MyMetrics;

impl CacheMetrics for MyMetrics {
    fn record(&self, event: &CacheEvent<'_>) {
        println!("{} {}", event.prefix(), event.name());
    }
}

/// Reads through both set-ups, and through one whose clock can be turned.
pub(super) async fn run() -> super::Facts {
    for expander in [by_hand::setup_cache(), with_macros::setup_cache()?.into()] {
        let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
        expander
            .with(&mut feeder, &EmploymentRepository, CacheStrategy::Refresh)
            .await?;
        ensure!(feeder.entity.is_some(), "emp_1 is in the table");
    }
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build()?;
    let expander = by_hand::CacheBuilder::new(backend)
        .with_ttl(TtlPolicy::Fixed(Duration::from_secs(60)))
        .build();
    let cache = expander.service();
    cache
        .put(Employment {
            id: "emp_1".to_owned(),
            employer: String::new(),
            salary: 0.0,
        })
        .await?;
    clock.advance(Duration::from_secs(59));
    ensure!(
        cache
            .get::<Employment>(&"emp_1".to_owned())
            .await?
            .is_some()
    );
    clock.advance(Duration::from_secs(1));
    ensure!(
        cache
            .get::<Employment>(&"emp_1".to_owned())
            .await?
            .is_none()
    );
    Ok(vec![
        "both set-ups told `MyMetrics` of a miss, a load and a fill".to_owned(),
        "built with a TTL of 60 s: there after 59 s, gone after 60 s".to_owned(),
    ])
}
