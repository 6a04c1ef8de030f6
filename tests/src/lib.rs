//! The harness of the tests: entities as users write them, repositories that count, a store that
//! fails when it is told to, a sink that remembers, and real Redis.

mod bulk;
mod diary;
mod dice;
mod distant;
mod faulty;
mod hermit;
mod ledger;
mod paced;
mod people;
mod redis;
mod sink;
mod source;

pub use self::redis::{
    Certificates, Cluster, ClusterBuilder, Counts, Identity, Proxy, RedisServer,
    RedisServerBuilder, Sentinels, SentinelsBuilder, SlotMove, Traffic, until,
};
pub use bulk::{Bulk, person};
pub use diary::{Diary, Fault, Hook};
pub use dice::Dice;
pub use distant::Distant;
pub use faulty::{Behaviour, Faulty};
pub use hermit::{Hermit, Shy};
pub use ledger::{Ledger, Row};
pub use paced::Paced;
pub use people::{Employment, EmploymentKey, People, Person, RepositoryError};
pub use sink::{RecordingMetrics, event_names};
pub use source::{Says, Source};

use cache_kit::prelude::*;
use cache_kit::{ManualClock, observe::CacheStats};
use std::time::Duration;

/// Makes a cache in memory whose clock only the test turns.
///
/// # Panics
/// If the settings are refused, which a test would want to know.
#[must_use]
pub fn clocked_cache() -> (CacheService<InMemoryBackend>, ManualClock) {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder()
        .clock(&clock)
        .build()
        .expect("settings that work");
    (CacheService::new(backend), clock)
}

/// Lets every other task run until it waits.
pub async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Fails a test that would hang.
///
/// # Panics
/// After ten seconds.
pub async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .expect("it hangs")
}

/// The counts of a service's life so far, without the number of entries.
pub fn counts<B: CacheBackend>(cache: &CacheService<B>) -> CacheStats {
    let mut stats = cache.stats();
    stats.entries = None;
    stats
}
