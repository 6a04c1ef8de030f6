//! Processes of several versions of one program, and the database that they share.

use crate::fixtures::{Store, config};
use cache_kit::prelude::*;
use cache_kit::{Error, RedisBackend, RedisConfig};
use cache_kit_tests::{counts, until};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// The keys of the rows that there are.
pub(super) const IDS: Range<u64> = 0..4;

/// What one version of the program makes of an edition of a row.
pub(super) trait Version: CacheEntity<Key = u64> + Debug + PartialEq {
    fn row(id: u64, edition: u16) -> Self;
}

#[derive(Clone, Debug)]
pub(super) struct Database(Arc<[Row]>);

#[derive(Debug, Default)]
struct Row {
    committed: AtomicU16,
    acknowledged: AtomicU16,
}

/// How a version tells the others that it has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Invalidate,
    Evict,
    Put,
    Clear,
}

pub(super) const WAYS: [Way; 4] = [Way::Invalidate, Way::Evict, Way::Put, Way::Clear];

/// A process that runs one version.
#[derive(Clone)]
pub(super) struct Process<V> {
    pub(super) cache: CacheService<RedisBackend>,
    database: Database,
    version: PhantomData<V>,
}

impl Default for Database {
    fn default() -> Self {
        Self(IDS.map(|_| Row::default()).collect())
    }
}

impl Database {
    fn row(&self, id: u64) -> &Row {
        usize::try_from(id)
            .ok()
            .and_then(|id| self.0.get(id))
            .expect("a row")
    }

    fn committed(&self, id: u64) -> u16 {
        self.row(id).committed.load(Ordering::SeqCst)
    }
}

/// Patient: what these tests are about is not how long it takes.
pub(super) fn patient(store: &Store) -> RedisConfig {
    let config = config(&store.server);
    config
        .deadline(Duration::from_secs(20))
        .connect_deadline(Duration::from_secs(20))
}

impl<V: Version> Process<V> {
    pub(super) fn start(config: RedisConfig, database: &Database) -> Self {
        Self {
            cache: crate::fixtures::cache(config),
            database: database.clone(),
            version: PhantomData,
        }
    }

    /// Reads a row, and says whether it had to be loaded. It is this version's, and nothing older
    /// than what was acknowledged before.
    pub(super) async fn find(&self, id: u64) -> bool {
        let oldest = self.database.row(id).acknowledged.load(Ordering::SeqCst);
        let mut is_loaded = false;
        let load = || {
            is_loaded = true;
            let row = V::row(id, self.database.committed(id));
            async move { Ok::<_, Error>(Some(row)) }
        };
        let found: Option<Arc<V>> = self.cache.get_or_load(&id, load).await.expect("no error");
        let found = found.expect("a row");
        let mut editions = oldest..=self.database.committed(id);
        assert!(
            editions.any(|edition| *found == V::row(id, edition)),
            "{oldest} was acknowledged, and this is found: {found:?}"
        );
        is_loaded
    }

    /// Reads a row, and waits until it is stored.
    pub(super) async fn know(&self, id: u64) {
        self.find(id).await;
        until("what was loaded is a hit", || async {
            self.cache.get::<V>(&id).await.expect("no error").map(drop)
        })
        .await;
    }

    /// Writes the next edition of a row.
    pub(super) async fn write(&self, id: u64, way: Way) {
        let row = self.database.row(id);
        let commit = || row.committed.fetch_add(1, Ordering::SeqCst) + 1;
        let (edition, told) = match way {
            Way::Invalidate => (commit(), self.cache.invalidate::<V>(&id).await),
            Way::Evict => {
                let write = async || commit();
                (self.cache.evict_with::<V, _, _>(&id, write).await, Ok(()))
            }
            Way::Put => {
                let mut edition = 0;
                let write = async || {
                    edition = commit();
                    Ok::<_, Error>(V::row(id, edition))
                };
                let written = self.cache.put_with(&id, write).await;
                (edition, written.map(drop))
            }
            Way::Clear => (commit(), self.cache.clear_prefix::<V>().await),
        };
        told.expect("no error");
        row.acknowledged.fetch_max(edition, Ordering::SeqCst);
    }

    /// Nothing that was found was held to be damaged, and nothing else failed.
    pub(super) fn assert_unharmed(&self) {
        let counts = counts(&self.cache);
        assert_eq!((counts.failures, counts.load_failures), (0, 0));
    }
}
