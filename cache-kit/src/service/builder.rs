use super::{CacheService, Inner};
use crate::backend::CacheBackend;
use crate::error::{Error, Result};
use crate::flight::Flights;
use crate::key::check_prefix;
use crate::observe::{CacheMetrics, Observer};
use crate::service::definitions::Definitions;
use crate::ttl::Lifetime;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Locks of the table of flights: enough that cores rarely meet.
const FLIGHT_STRIPES: usize = 64;

/// Sets up a [`CacheService`].
///
/// ```
/// use cache_kit::prelude::*;
/// use std::time::Duration;
///
/// let cache = CacheService::builder(InMemoryBackend::new())
///     .namespace("billing")
///     .default_lifetime(Lifetime::new().with_ttl(Duration::from_secs(600)))
///     .flight_deadline(Duration::from_secs(10))
///     .build()?;
/// # let _ = cache;
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[must_use]
pub struct CacheServiceBuilder<B> {
    backend: B,
    namespace: Option<String>,
    lifetime: Lifetime,
    flight_deadline: Duration,
    metrics: Option<Box<dyn CacheMetrics>>,
}

impl<B: CacheBackend> CacheServiceBuilder<B> {
    /// How long a caller waits for another's load unless the builder says otherwise.
    pub const DEFAULT_FLIGHT_DEADLINE: Duration = Duration::from_secs(30);

    pub(super) fn new(backend: B) -> Self {
        Self {
            backend,
            namespace: None,
            lifetime: Lifetime::new(),
            flight_deadline: Self::DEFAULT_FLIGHT_DEADLINE,
            metrics: None,
        }
    }

    /// Puts a word before every key, to share a store with other services. Then all of them should have one: a service without could have a
    /// prefix that reads like another's namespace, and the two would drop each other's entries.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets what entities do not declare themselves.
    pub fn default_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Bounds how long a caller waits for another's load; 30 s by default. Then nobody joins that load any more, and those who wait may
    /// load for themselves, eight at a time; after as long again, all of them.
    ///
    /// The deadline needs a Tokio runtime with time enabled, as `#[tokio::main]` makes it. Outside of a runtime callers wait without one.
    pub fn flight_deadline(mut self, deadline: Duration) -> Self {
        self.flight_deadline = deadline;
        self
    }

    /// Tells a sink of everything that happens.
    pub fn metrics(mut self, sink: impl CacheMetrics) -> Self {
        self.metrics = Some(Box::new(sink));
        self
    }

    /// Makes the service.
    ///
    /// # Errors
    /// [`Error::ConfigError`] for a namespace that is empty or holds `:`, `%`, white space or control characters, a default lifetime that
    /// cannot work, or a flight deadline of zero.
    pub fn build(self) -> Result<CacheService<B>> {
        if let Some(namespace) = &self.namespace {
            check_prefix(namespace)
                .map_err(|fault| Error::ConfigError(fault.replace("prefix", "namespace").into()))?;
        }
        self.lifetime.check()?;
        if self.flight_deadline.is_zero() {
            return Err(Error::ConfigError(
                "a `flight_deadline` of zero lets nobody wait".into(),
            ));
        }
        Ok(self.into_service())
    }

    pub(super) fn into_service(self) -> CacheService<B> {
        CacheService(Arc::new(Inner {
            backend: self.backend,
            namespace: self.namespace.map(String::into_boxed_str),
            lifetime: self.lifetime,
            flight_deadline: self.flight_deadline,
            flights: Flights::new(FLIGHT_STRIPES),
            observer: Observer::new(self.metrics),
            definitions: Definitions::default(),
        }))
    }
}

impl<B: fmt::Debug> fmt::Debug for CacheServiceBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheServiceBuilder")
            .field("backend", &self.backend)
            .field("namespace", &self.namespace)
            .field("lifetime", &self.lifetime)
            .field("flight_deadline", &self.flight_deadline)
            .finish_non_exhaustive()
    }
}
