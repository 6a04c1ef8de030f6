use super::CacheService;
use crate::engine::early::Early;
use crate::engine::throttle::Throttle;
use crate::engine::{Definitions, Engine, Settings};
use crate::error::{FailurePolicy, Result};
use crate::flight::Flights;
use crate::observe::{CacheMetrics, Observer, Watch};
use crate::runtime::background::Background;
use crate::store::CacheBackend;
use crate::strategy::timeouts::Timeouts;
use crate::ttl::{Lifetime, TtlPolicy};
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
    settings: Settings,
    flights: Arc<Flights>,
    throttle: Arc<Throttle>,
    early: Arc<Early>,
    background: Background,
    /// Who hears of the store, where that is known already.
    watch: Option<Arc<Watch>>,
}

impl<B: CacheBackend> CacheServiceBuilder<B> {
    /// How long a caller waits for another's load unless the builder says otherwise.
    pub const DEFAULT_FLIGHT_DEADLINE: Duration = Duration::from_secs(30);

    /// How long a read waits for the backend unless the builder says otherwise.
    pub const DEFAULT_BACKEND_DEADLINE: Duration = Duration::from_secs(1);

    /// How long a caller waits for another process' load unless the builder says otherwise.
    pub const DEFAULT_LEASE_DEADLINE: Duration = Duration::from_secs(5);

    pub(super) fn new(backend: B) -> Self {
        let settings = Settings {
            namespace: None,
            lifetime: Lifetime::new(),
            ttl_policy: None,
            failure_policy: FailurePolicy::Degrade,
            timeouts: Timeouts::default(),
            flight_deadline: Self::DEFAULT_FLIGHT_DEADLINE,
            backend_deadline: Self::DEFAULT_BACKEND_DEADLINE,
            lease_deadline: Self::DEFAULT_LEASE_DEADLINE,
            metrics: None,
        };
        Self {
            backend,
            settings,
            flights: Arc::new(Flights::new(FLIGHT_STRIPES)),
            throttle: Arc::default(),
            early: Arc::default(),
            background: Background::default(),
            watch: None,
        }
    }

    /// Begins with what a service has.
    pub(super) fn like(service: &CacheService<B>) -> Self {
        let engine = service.engine();
        Self {
            backend: service.backend().clone(),
            settings: engine.settings.clone(),
            flights: Arc::clone(&engine.flights),
            throttle: Arc::clone(&engine.throttle),
            early: Arc::clone(&engine.early),
            background: engine.background.clone(),
            watch: Some(Arc::clone(engine.observer.watch())),
        }
    }

    /// Puts a word before every key, to share a store with other services. Then all of them should
    /// have one: a service without could have a prefix that reads like another's namespace, and the
    /// two would drop each other's entries.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = Some(namespace.into().into());
        self.watch = None;
        self
    }

    /// Sets what entities do not declare themselves: a [`Lifetime`], or a TTL.
    pub fn default_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.lifetime = lifetime.into();
        self
    }

    /// Sets after how long a caller who could have a stale value has it; the load goes on, and is
    /// stored. No such time by default. It is for entities with
    /// [`stale_if_error`](crate::Lifetime::with_stale_if_error), or
    /// [`stale_while_revalidate`](crate::Lifetime::with_stale_while_revalidate), and for calls
    /// whose load can be run by a task; one that runs its load itself waits for it, and those who
    /// wait for that one do not. It needs a timer, as [`flight_deadline`](Self::flight_deadline)
    /// does.
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeouts.soft = Some(timeout);
        self
    }

    /// Sets after how long a load has failed, with [`Error::Timeout`](crate::Error::Timeout): it is
    /// dropped. No such time by default. Where there is a stale value the caller has that; where
    /// the output can say nothing of the kind, the load is waited for. It needs a timer, as
    /// [`flight_deadline`](Self::flight_deadline) does.
    pub fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeouts.hard = Some(timeout);
        self
    }

    /// Bounds how long a caller waits for another's load; 30 s by default. Then nobody joins that
    /// load any more, and those who wait may load for themselves, eight at a time; after as long
    /// again, all of them.
    ///
    /// The deadline needs a Tokio runtime with time enabled, as `#[tokio::main]` makes it. Outside
    /// of a runtime callers wait without one.
    pub fn flight_deadline(mut self, deadline: Duration) -> Self {
        self.settings.flight_deadline = deadline;
        self
    }

    /// Bounds how long a read waits for the backend at each step (look-up, permit, fill); 1 s by
    /// default. A step that takes longer has failed, with
    /// [`Error::Timeout`](crate::Error::Timeout). What changes entries is never cut short. It needs
    /// a timer, as [`flight_deadline`](Self::flight_deadline) does.
    pub fn backend_deadline(mut self, deadline: Duration) -> Self {
        self.settings.backend_deadline = deadline;
        self
    }

    /// Bounds how long a caller waits for what another process is loading; 5 s by default. Then it
    /// loads for itself. It waits no longer than the other's lease lasts (`RedisConfig::lease`),
    /// and not at all with a deadline of zero.
    pub fn lease_deadline(mut self, deadline: Duration) -> Self {
        self.settings.lease_deadline = deadline;
        self
    }

    /// Sets how long entries live, whatever their entities declare.
    pub fn ttl_policy(mut self, policy: TtlPolicy) -> Self {
        self.settings.ttl_policy = Some(Arc::new(policy));
        self
    }

    /// Says what a failing cache means for reads; [`FailurePolicy::Degrade`] by default.
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.settings.failure_policy = policy;
        self
    }

    /// Tells a sink of everything that happens.
    pub fn metrics(mut self, sink: impl CacheMetrics) -> Self {
        self.settings.metrics = Some(Arc::new(sink));
        self.watch = None;
        self
    }

    /// Makes the service.
    ///
    /// # Errors
    /// [`Error::ConfigError`](crate::Error::ConfigError) for a namespace that is empty or holds
    /// `:`, `%`, `{`, `}`, white space or control characters, a default lifetime or a fixed policy
    /// that cannot work, or a deadline of zero.
    pub fn build(self) -> Result<CacheService<B>> {
        self.settings.check()?;
        Ok(self.into_service())
    }

    pub(crate) fn into_service(self) -> CacheService<B> {
        let watch = self.watch.unwrap_or_else(|| {
            let namespace = self.settings.namespace.clone();
            let watch = Arc::new(Watch::new(namespace, self.settings.metrics.clone()));
            self.backend.watch(watch.watcher());
            watch
        });
        let engine = Engine {
            store: Arc::new(self.backend.clone()),
            flights: self.flights,
            throttle: self.throttle,
            early: self.early,
            background: self.background,
            observer: Observer::new(watch),
            definitions: Definitions::default(),
            settings: self.settings,
        };
        CacheService::of(self.backend, engine)
    }
}

impl<B: fmt::Debug> fmt::Debug for CacheServiceBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheServiceBuilder")
            .field("backend", &self.backend)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
