mod breaker;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod coalesce;
mod config;
mod connect;
mod forget;
mod journal;
mod names;
mod node;
mod open;
mod permit;
mod read;
mod router;
mod scopes;
mod script;
#[cfg(feature = "redis-sentinel")]
mod sentinel;
mod store;
mod suspects;
mod wire;

pub use config::{RedisConfig, RedisTls};
pub use permit::RedisPermit;

use crate::backend::envelope::Wrap;
use crate::entity::shape::Shape;
use crate::error::Result;
use crate::key::CacheKey;
use crate::observe::{Watcher, Watchers};
use crate::runtime::background::Background;
use crate::store::tag::{Scope, Tag};
use crate::store::{CacheBackend, Fill, Filled, Intent, Lookup, Opened, Stamp, TagStamps};
use coalesce::Coalescer;
use journal::Journal;
use names::Copies;
use open::Opening;
use permit::Leases;
use router::Router;
use scopes::Books;
use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use suspects::Suspects;
use wire::check_runtime;

/// Keeps entries in Redis (6.2 or later; Valkey 7 or later), for all processes that share it: one
/// server, the master that Sentinel names, or a cluster.
///
/// Beside each key lives its *guard*, a random number that is never used again, and an entry is
/// valid only while its stamp equals the guard. An invalidation deletes the guard, so whatever was
/// loaded before it is dead, stored or not, in every process and for every version of a type. A
/// missing guard is a miss: eviction, expiry and `FLUSHALL` cost loads and are never a wrong
/// answer.
///
/// | | round trips |
/// | --- | --- |
/// | a hit | 1 |
/// | a miss | 2, and a third that nobody waits for |
/// | an invalidation, a clear | 1, of a tag 2 |
/// | a put | 2 |
///
/// What has tags costs more: a hit one round trip for tags that were not asked about for
/// [`clear_lag`](RedisConfig::clear_lag), a load one or two before it and two that nobody waits
/// for.
///
/// Callers of one key share what is on the wire, and of several processes that miss, one loads
/// while the others wait for it (as long as its lease lasts). Calls have a deadline and fail at
/// once while Redis is known to be down; what an outage means to callers says the service's
/// [`FailurePolicy`](crate::FailurePolicy). An invalidation that cannot reach Redis is an error to
/// whoever called for it, and is kept and repeated until it can; until then this process does not
/// believe what Redis has of the key.
///
/// Clones share the connection. Nothing connects before the first call, unless
/// [`connect`](Self::connect) is called.
///
/// ```no_run
/// use cache_kit::prelude::*;
/// use cache_kit::{RedisBackend, RedisConfig};
///
/// # async fn example() -> cache_kit::Result<()> {
/// let backend = RedisBackend::new(RedisConfig::from_env()?)?;
/// backend.connect().await?; // fail now, if at all
/// let cache = CacheService::builder(backend).namespace("billing").build()?;
/// # Ok(())
/// # }
/// ```
///
/// # What Redis has to allow
/// An ACL user needs the keys `~ck:*` and the commands
/// `DEL EVAL EVALSHA GET MGET PERSIST PEXPIRE PTTL SET SETRANGE STRLEN TIME
/// UNLINK`, in a cluster also `ASKING` and `CLUSTER|SLOTS`, for a database other than 0 `SELECT`.
/// Where `HELLO` has to be allowed (before Redis 7), that is better too: a replica, and a node of a
/// cluster, are then recognised at once. [`connect`](Self::connect) and
/// [`health`](CacheBackend::health) try what is allowed.
///
/// # What is not promised
/// A Redis that forgets an invalidation it has acknowledged (a failover that loses a write, a
/// restart from an old snapshot) serves the older entry until its TTL. What is kept to be repeated
/// dies with the process.
#[derive(Clone)]
pub struct RedisBackend(Arc<Shared>);

/// Which entry is asked about: of one key there is one for each type.
type Entry = (CacheKey, TypeId);

struct Shared {
    router: Router,
    wrap: Wrap,
    /// Who we are to those who share the leases.
    owner: u64,
    lease: Duration,
    leases: Leases,
    max_entry: usize,
    reads: Coalescer<Entry, Result<Lookup>>,
    opens: Coalescer<Entry, Result<Opening>>,
    books: Books,
    suspects: Suspects,
    journal: Journal,
    /// Leases that are being given back.
    background: Background,
    watchers: Arc<Watchers>,
}

impl RedisBackend {
    /// Makes a backend. It connects when it is first used.
    ///
    /// # Errors
    /// [`Error::ConfigError`](crate::Error::ConfigError) if the config cannot work.
    pub fn new(config: RedisConfig) -> Result<Self> {
        config.check()?;
        let watchers = Arc::<Watchers>::default();
        let router = Router::of(&config, Arc::clone(&watchers))?;
        let lag = if router.is_cluster() {
            config.clear_lag
        } else {
            Duration::ZERO
        };
        let copies = Copies::of(router.is_cluster());
        let books = Books::new(lag, config.clear_lag, copies);
        Ok(Self(Arc::new(Shared {
            router,
            wrap: config.wrap,
            owner: permit::new_guard()?,
            lease: config.lease.min(router::LONGEST),
            leases: Leases::default(),
            max_entry: config.max_entry,
            reads: Coalescer::new(),
            opens: Coalescer::new(),
            books,
            suspects: Suspects::default(),
            journal: Journal::new(copies),
            background: Background::default(),
            watchers,
        })))
    }

    /// Connects now, to everyone who may be asked, rather than at the first call, and tries whether
    /// they allow what the cache does. Leaves nothing behind.
    ///
    /// # Errors
    /// [`Error::BackendError`](crate::Error::BackendError) that says who cannot be reached or does
    /// not allow it, and why; [`Error::Timeout`](crate::Error::Timeout) if a connection is there
    /// and no answer comes. The backend can be used all the same: it tries again.
    pub async fn connect(&self) -> Result<()> {
        self.0.router.probe().await
    }

    /// Returns how many invalidations could not reach Redis yet. They are repeated until they do.
    pub fn pending_invalidations(&self) -> usize {
        self.0.journal.len()
    }
}

impl CacheBackend for RedisBackend {
    type Permit = RedisPermit;

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        match keys {
            [key] => vec![self.0.read_shared(key, shape).await],
            // Who calls would carry the state of what is sent, which is kilobytes.
            keys => Box::pin(self.0.read(keys, shape)).await,
        }
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<RedisPermit>>> {
        let openings = match (keys, intent) {
            ([key], Intent::Load) => vec![self.0.open_shared(key, shape).await],
            (keys, Intent::Load) => match check_runtime() {
                Ok(()) => self.0.open_to_the_end(keys, shape).await,
                Err(error) => vec![Err(error); keys.len()],
            },
            (keys, intent) => Box::pin(self.0.open(keys, shape, intent)).await,
        };
        let opened = keys.iter().zip(openings);
        opened
            .map(|(key, opening)| opening.map(|opening| opening.into_opened(key)))
            .collect()
    }

    async fn fill(
        &self,
        fills: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        Box::pin(self.0.fill(fills, shape)).await
    }

    async fn put(
        &self,
        puts: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        Box::pin(self.0.put(puts, shape)).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        self.0.invalidate(keys).await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.0.clear(scope).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        check_runtime()?;
        let stamping = self
            .0
            .stamp_tags(namespace.unwrap_or_default(), tags, lasts);
        Box::pin(stamping).await
    }

    async fn health(&self) -> Result<()> {
        self.0.router.probe().await
    }

    async fn run_pending_tasks(&self) -> Result<()> {
        self.0.background.finish().await;
        self.0.pay_all().await
    }

    fn watch(&self, watcher: Watcher) {
        self.0.watchers.add(watcher.clone());
        self.0.router.introduce(&watcher);
    }

    fn is_remote(&self) -> bool {
        true
    }
}

fn stamp_of(guard: u64, prefix_guard: u64) -> Stamp {
    Stamp::new((u128::from(guard) << 64) | u128::from(prefix_guard))
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("router", &self.0.router)
            .field("pending_invalidations", &self.0.journal.len())
            .finish_non_exhaustive()
    }
}
