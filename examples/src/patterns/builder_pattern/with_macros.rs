//! The same with the builder that cache-kit ships.

use super::MyMetrics;
use cache_kit::prelude::*;
use std::time::Duration;

/// Sets up a cache whose TTLs go by type.
///
/// # Errors
/// For settings that cannot work.
pub fn setup_cache() -> cache_kit::Result<CacheService<InMemoryBackend>> {
    let ttl_policy = TtlPolicy::PerType(Box::new(|entity_type| match entity_type {
        "employment" => Duration::from_secs(3600),
        "borrower" => Duration::from_secs(7200),
        _ => Duration::from_secs(1800),
    }));

    CacheService::builder(InMemoryBackend::new())
        .ttl_policy(ttl_policy)
        .metrics(MyMetrics)
        .build()
}
