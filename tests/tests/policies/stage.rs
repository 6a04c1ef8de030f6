//! Where the policies are tried: a cache whose time is the test's or the world's, and a repository.

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock, RedisBackend, RedisConfig};
use cache_kit_tests::RedisServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long what is tested is fresh.
pub(crate) const FRESH: Duration = Duration::from_millis(500);

/// The TTL whose end is drawn.
pub(crate) const LONG: Duration = Duration::from_secs(2);

/// A call returns a version of a row, or what went wrong.
pub(crate) type Found = Result<Option<u64>, String>;

/// What each way of writing a repository offers.
pub(crate) trait Ways: Sync {
    async fn plain(&self, id: u64) -> Found;
    async fn jittered(&self, id: u64) -> Found;
    async fn revalidated(&self, id: u64) -> Found;
    async fn forgiven(&self, id: u64) -> Found;
    async fn early(&self, id: u64) -> Found;
    async fn decided(&self, id: u64) -> Found;
    async fn conditional(&self, id: u64) -> Found;
    async fn unless_first(&self, id: u64) -> Found;
    async fn soft(&self, id: u64) -> Found;
    async fn hard(&self, id: u64) -> Found;
    async fn retried(&self, id: u64) -> Found;
    async fn tagged(&self, id: u64) -> Found;
    async fn labelled(&self, id: u64) -> Found;
    /// Drops what `plain` has stored, all of it.
    async fn clear(&self);
}

/// A repository whose rows change with every load: the version is the number of the load.
#[derive(Clone, Default)]
pub(crate) struct Source {
    loads: Arc<AtomicU64>,
    failing: Arc<AtomicU64>,
    is_absent: Arc<AtomicBool>,
    millis: Arc<AtomicU64>,
}

impl Source {
    pub(crate) fn set_failing(&self, times: u64) {
        self.failing.store(times, Ordering::SeqCst);
    }

    pub(crate) fn set_absent(&self, is_absent: bool) {
        self.is_absent.store(is_absent, Ordering::SeqCst);
    }

    pub(crate) fn set_time(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("it is short");
        self.millis.store(millis, Ordering::SeqCst);
    }

    pub(crate) async fn load(&self) -> Result<Option<u64>, Error> {
        let version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        let millis = self.millis.load(Ordering::SeqCst);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        let failing = self.failing.load(Ordering::SeqCst);
        if failing > 0 {
            self.failing.store(failing - 1, Ordering::SeqCst);
            return Err(Error::transient("the database is down"));
        }
        let is_absent = self.is_absent.load(Ordering::SeqCst);
        Ok((!is_absent).then_some(version))
    }
}

pub(crate) struct Stage<B: CacheBackend> {
    pub(crate) cache: CacheService<B>,
    pub(crate) source: Source,
    clock: Option<ManualClock>,
    /// Runs until the test is over.
    _server: Option<RedisServer>,
}

impl Stage<InMemoryBackend> {
    pub(crate) fn in_memory() -> Self {
        let (cache, clock) = cache_kit_tests::clocked_cache();
        Self {
            cache,
            source: Source::default(),
            clock: Some(clock),
            _server: None,
        }
    }
}

impl Stage<RedisBackend> {
    pub(crate) async fn on_redis() -> Self {
        let server = RedisServer::start().await;
        let config: RedisConfig = server.url().parse().expect("a URL");
        Self {
            cache: CacheService::new(RedisBackend::new(config).expect("settings that work")),
            source: Source::default(),
            clock: None,
            _server: Some(server),
        }
    }
}

impl<B: CacheBackend> Stage<B> {
    pub(crate) fn loads(&self) -> u64 {
        self.source.loads.load(Ordering::SeqCst)
    }

    /// Lets time pass, and a little more.
    pub(crate) async fn pass(&self, time: Duration) {
        let time = time + Duration::from_millis(20);
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    /// Waits for what no caller has waited for.
    pub(crate) async fn settle(&self) {
        self.cache
            .run_pending_tasks()
            .await
            .expect("the store works");
    }

    pub(crate) async fn invalidate_all(&self) {
        let cleared = self.cache.clear_namespace().await;
        cleared.expect("the store works");
    }
}
