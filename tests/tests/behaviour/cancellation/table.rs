//! A table with one function of each kind in front of it.

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock, Retry};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::yield_now;

/// So eager that every read loads, however long the value still lives.
const EAGER: f64 = 1e15;

/// The time that a slow load takes. The soft timeout is half of it.
const SLOW: Duration = Duration::from_millis(8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "row", ttl = "10s", key = id, index(name), tags = ["row:{id}"])]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) version: u64,
}

/// All rows have the same version. A load reads it first, and returns it some awaits later.
#[derive(Clone)]
pub(super) struct Table<B: CacheBackend> {
    pub(super) cache: CacheService<B>,
    /// A service of another process over the same store.
    pub(super) elsewhere: CacheService<B>,
    /// `cache` with a soft timeout.
    impatient: CacheService<B>,
    pub(super) clock: ManualClock,
    version: Arc<AtomicU64>,
    /// How many of the next loads fail.
    pub(super) failures: Arc<AtomicU64>,
}

impl<B: CacheBackend> Table<B> {
    pub(super) fn over(store: fn(&ManualClock) -> B) -> Self {
        let clock = ManualClock::new();
        let store = store(&clock);
        let elsewhere = CacheService::new(store.clone());
        let cache = CacheService::new(store);
        let impatient = cache.to_builder().soft_timeout(SLOW / 2);
        Self {
            elsewhere,
            impatient: impatient.build().unwrap(),
            cache,
            clock,
            version: Arc::new(AtomicU64::new(1)),
            failures: Arc::default(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Changes the rows without an invalidation.
    pub(super) fn change(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets all stored entries expire.
    pub(super) fn outlive(&self) {
        self.clock.advance(Duration::from_secs(11));
    }

    async fn load(&self, id: u64) -> Result<Row, Error> {
        let version = self.version();
        for _ in 0..3 {
            yield_now().await;
        }
        let left = |left: u64| left.checked_sub(1);
        let is_failing = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        match is_failing {
            Ok(_) => Err(Error::transient("busy")),
            Err(_) => Ok(Row {
                id,
                name: format!("name {id}"),
                version,
            }),
        }
    }

    async fn load_slowly(&self, id: u64) -> Result<Row, Error> {
        let row = self.load(id).await;
        tokio::time::sleep(SLOW).await;
        row
    }

    #[cached]
    pub(super) async fn find(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(prefix = "version", ttl = "10s", tags = ["version:{id}"])]
    pub(super) async fn value(&self, id: u64) -> Result<u64, Error> {
        Ok(self.load(id).await?.version)
    }

    #[cache_evict(prefix = "version")]
    pub(super) async fn forget(&self, id: u64) {
        let _ = id;
    }

    #[cached(index = name)]
    pub(super) async fn find_by_name(&self, name: &str) -> Result<Option<Row>, Error> {
        let id = name.strip_prefix("name ").and_then(|id| id.parse().ok());
        Ok(Some(self.load(id.unwrap_or(0)).await?))
    }

    #[cached]
    pub(super) async fn list(&self, ids: &[u64]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.load(*id).await?);
        }
        Ok(rows)
    }

    #[cached(retry = Retry::new(2).first_delay(Duration::ZERO))]
    pub(super) async fn find_again(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(retry = Retry::new(2).first_delay(Duration::ZERO))]
    pub(super) async fn list_again(&self, ids: &[u64]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.load(*id).await?);
        }
        Ok(rows)
    }

    #[cached(stale_while_revalidate = "1m")]
    pub(super) async fn find_stale(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(stale_while_revalidate = "1m", refresh = inline)]
    pub(super) async fn find_stale_inline(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(stale_while_revalidate = "1m")]
    pub(super) async fn list_stale(&self, ids: &[u64]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.load(*id).await?);
        }
        Ok(rows)
    }

    #[cached(early_refresh = EAGER)]
    pub(super) async fn find_early(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(early_refresh = EAGER, refresh = inline)]
    pub(super) async fn find_early_inline(&self, id: u64) -> Result<Row, Error> {
        self.load(id).await
    }

    #[cached(soft_timeout = "4ms", stale_if_error = "1m")]
    pub(super) async fn find_soon(&self, id: u64) -> Result<Row, Error> {
        self.load_slowly(id).await
    }

    #[cached(cache = self.impatient, stale_if_error = "1m", refresh = inline)]
    pub(super) async fn find_soon_inline(&self, id: u64) -> Result<Row, Error> {
        self.load_slowly(id).await
    }

    #[cache_put]
    pub(super) async fn save(&self, id: u64) -> Result<Row, Error> {
        yield_now().await;
        self.change();
        self.load(id).await
    }

    #[cache_evict(entity = Row)]
    pub(super) async fn remove(&self, id: u64) -> Result<u64, Error> {
        yield_now().await;
        self.change();
        yield_now().await;
        Ok(id)
    }

    #[cache_evict(prefix = "version")]
    pub(super) async fn set_value(&self, id: u64) -> Result<u64, Error> {
        yield_now().await;
        self.change();
        yield_now().await;
        Ok(id)
    }

    #[cache_evict(tags = ["row:{id}", "version:{id}"])]
    pub(super) async fn change_all(&self, id: u64) -> Result<u64, Error> {
        yield_now().await;
        self.change();
        yield_now().await;
        Ok(id)
    }
}

impl<B: CacheBackend + fmt::Debug> Table<B> {
    /// Asserts that no flight leaks.
    pub(super) fn assert_landed(&self, case: &str) {
        let shown = format!("{:?}", self.cache);
        assert!(shown.contains("flights: 0"), "{case}: {shown}");
    }
}
