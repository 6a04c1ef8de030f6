//! TTL Strategies: one for everything, by type, by what is done, by who asks.

#[expect(clippy::match_same_arms, reason = "the guide's own words")]
pub mod by_hand;
pub mod with_macros;

use std::time::Duration;

use anyhow::ensure;
use cache_kit::ManualClock;
use cache_kit::prelude::*;

use super::counting::Counting;
use super::sources::Sources;
use super::staff::EmploymentRepository;

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "TTL Strategies",
    by_hand: include_str!("ttl_strategies/by_hand.rs"),
    with_macros: include_str!("ttl_strategies/with_macros.rs"),
};

/// Makes a cache whose clock can be turned.
fn clocked(policy: TtlPolicy) -> anyhow::Result<(CacheService<InMemoryBackend>, ManualClock)> {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build()?;
    let cache = CacheService::builder(backend).ttl_policy(policy).build()?;
    Ok((cache, clock))
}

/// Lets three roles look at one entry, 20 minutes after it was stored.
pub(super) async fn run() -> super::Facts {
    let (cache, clock) = clocked(by_hand::role_based())?;
    let expander = cache.into();
    let repository = Counting::new(EmploymentRepository);
    by_hand::fetch_as(&expander, "emp_1", &repository, "admin").await?;
    clock.advance(Duration::from_secs(20 * 60));
    let mut asked = Vec::new();
    for role in ["admin", "user", "guest"] {
        let before = repository.queries();
        by_hand::fetch_as(&expander, "emp_1", &repository, role).await?;
        asked.push((role, repository.queries() - before));
    }
    ensure!(
        asked == [("admin", 0), ("user", 0), ("guest", 1)],
        "after 20 minutes only a guest asks again: {asked:?}"
    );
    let lifetimes = [
        with_macros::Transaction::lifetime(),
        with_macros::LendingTerm::lifetime(),
    ];
    Ok(vec![
        "an entry 20 minutes old: good for an admin (2 h) and a user (30 min), not for a guest (5 min)"
            .to_owned(),
        format!(
            "declared: a transaction lives {:?}, a lending term {:?}",
            lifetimes[0].ttl().unwrap_or_default(),
            lifetimes[1].ttl().unwrap_or_default()
        ),
    ])
}
