//! The guide's own code.

use super::MyMetrics;
use cache_kit::prelude::*;
use std::time::Duration;

/// Sets up an expander.
#[must_use]
pub struct CacheBuilder<B: CacheBackend> {
    expander: CacheExpander<B>,
    ttl_policy: Option<TtlPolicy>,
    metrics: Option<Box<dyn CacheMetrics>>,
}

impl<B: CacheBackend> CacheBuilder<B> {
    /// Begins with default settings.
    pub fn new(backend: B) -> Self {
        CacheBuilder {
            expander: CacheExpander::new(backend),
            ttl_policy: None,
            metrics: None,
        }
    }

    /// Sets how long entries live.
    pub fn with_ttl(mut self, policy: TtlPolicy) -> Self {
        self.ttl_policy = Some(policy);
        self
    }

    /// Tells a sink of everything that happens.
    pub fn with_metrics(mut self, metrics: Box<dyn CacheMetrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Makes the expander.
    pub fn build(mut self) -> CacheExpander<B> {
        if let Some(metrics) = self.metrics {
            self.expander = self.expander.with_metrics(metrics);
        }
        if let Some(ttl) = self.ttl_policy {
            self.expander = self.expander.with_ttl_policy(ttl);
        }
        self.expander
    }
}

/// Sets up a cache whose TTLs go by type.
pub fn setup_cache() -> CacheExpander<InMemoryBackend> {
    let backend = InMemoryBackend::new();

    let ttl_policy = TtlPolicy::PerType(Box::new(|entity_type| match entity_type {
        "employment" => Duration::from_secs(3600),
        "borrower" => Duration::from_secs(7200),
        _ => Duration::from_secs(1800),
    }));

    CacheBuilder::new(backend)
        .with_ttl(ttl_policy)
        .with_metrics(Box::new(MyMetrics))
        .build()
}
