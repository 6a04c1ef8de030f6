//! Batches, lists and indexes under concurrent writes: what a write has acknowledged is never
//! undone in what is read after it.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::soon;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many rows there are, and how often each is written and read.
const ROWS: u64 = 4;
const WRITES: u64 = 150;
const READS: u64 = 400;

/// A row changes hands between two addresses: the version says which it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "row", key = id, ttl = "1h", index(address), tags = ["row:{id}"])]
struct Row {
    id: u64,
    version: u64,
    address: String,
}

fn address(id: u64, version: u64) -> String {
    format!("{id}/{}", version % 2)
}

/// The rows, and of each the version that was last begun to be written, and last acknowledged.
#[derive(Clone)]
struct Rows<B: CacheBackend> {
    cache: CacheService<B>,
    stored: Arc<Mutex<Vec<u64>>>,
    begun: Arc<Vec<AtomicU64>>,
    acknowledged: Arc<Vec<AtomicU64>>,
}

impl<B: CacheBackend> Rows<B> {
    fn over(backend: B) -> Self {
        let zeros = || (0..ROWS).map(|_| AtomicU64::new(0)).collect();
        Self {
            cache: CacheService::new(backend),
            stored: Arc::new(Mutex::new(vec![0; usize::try_from(ROWS).unwrap()])),
            begun: Arc::new(zeros()),
            acknowledged: Arc::new(zeros()),
        }
    }

    async fn select(&self, is_it: impl Fn(&Row) -> bool) -> Vec<Row> {
        tokio::task::yield_now().await;
        let rows: Vec<_> = (0..)
            .zip(self.stored.lock().unwrap().iter())
            .map(|(id, version)| Row {
                id,
                version: *version,
                address: address(id, *version),
            })
            .filter(is_it)
            .collect();
        // What was read is old by the time it is there.
        tokio::task::yield_now().await;
        rows
    }

    #[cached]
    async fn many(&self, ids: &[u64]) -> Vec<Row> {
        self.select(|row| ids.contains(&row.id)).await
    }

    #[cached(index = address)]
    async fn by_address(&self, address: &str) -> Option<Row> {
        self.select(|row| row.address == address).await.pop()
    }

    #[cached(prefix = "rows-from")]
    async fn list(&self, first: u64) -> Vec<Row> {
        self.select(|row| row.id >= first).await
    }

    #[cache_put]
    #[cache_evict(tags = ["row:{id}"])]
    async fn write(&self, id: u64, version: u64) -> Row {
        tokio::task::yield_now().await;
        self.stored.lock().unwrap()[usize::try_from(id).unwrap()] = version;
        Row {
            id,
            version,
            address: address(id, version),
        }
    }

    fn acknowledged(&self, id: u64) -> u64 {
        self.acknowledged[usize::try_from(id).unwrap()].load(Ordering::SeqCst)
    }

    fn begun(&self, id: u64) -> u64 {
        self.begun[usize::try_from(id).unwrap()].load(Ordering::SeqCst)
    }

    async fn write_all(self, id: u64) {
        let at = usize::try_from(id).unwrap();
        for version in 1..=WRITES {
            self.begun[at].store(version, Ordering::SeqCst);
            self.write(id, version).await;
            self.acknowledged[at].store(version, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }

    async fn read_all(self, seed: u64) {
        for n in 0..READS {
            let least: Vec<_> = (0..ROWS).map(|id| self.acknowledged(id)).collect();
            let id = (n * 7 + seed) % ROWS;
            match (n + seed) % 3 {
                0 => {
                    let found = self.many(&[id, (id + 1) % ROWS]).await;
                    assert_eq!(found.len(), 2);
                    check(&found, &least);
                }
                1 => {
                    let found = self.list(id).await;
                    assert_eq!(found.len() as u64, ROWS - id);
                    check(&found, &least);
                }
                _ => self.read_by_address(id, n % 2, &least).await,
            }
        }
    }

    async fn read_by_address(&self, id: u64, parity: u64, least: &[u64]) {
        let asked = address(id, parity);
        let found = self.by_address(&asked).await;
        if let Some(row) = &found {
            assert_eq!(row.address, asked);
            check(std::slice::from_ref(row), least);
        }
        let version = least[usize::try_from(id).unwrap()];
        let is_settled = self.begun(id) == version;
        assert!(
            !is_settled || found.is_some() == (address(id, version) == asked),
            "{found:?} at {asked}, where nothing was written since {version}"
        );
    }
}

/// Nothing that was read is older than what was acknowledged before.
fn check(rows: &[Row], least: &[u64]) {
    for row in rows {
        let least = least[usize::try_from(row.id).unwrap()];
        assert!(
            row.version >= least,
            "{row:?} was read after {least} was acknowledged"
        );
    }
}

async fn run<B: CacheBackend>(backend: B) {
    let rows = Rows::over(backend);
    let writers = (0..ROWS).map(|id| tokio::spawn(rows.clone().write_all(id)));
    let readers = (0..6).map(|seed| tokio::spawn(rows.clone().read_all(seed)));
    let all: Vec<_> = writers.chain(readers).collect();
    for task in all {
        soon(task).await.unwrap();
    }
    let stats = rows.cache.stats();
    assert!(stats.hits > 0 && stats.loads > 0, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    run(InMemoryBackend::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_store_of_bytes() {
    run(ByteBackend::default()).await;
}

#[tokio::test]
async fn on_one_thread() {
    run(InMemoryBackend::new()).await;
}
