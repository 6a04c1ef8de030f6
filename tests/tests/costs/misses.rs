//! How often a miss in memory allocates.

use allocation_counter::measure;
use cache_kit::prelude::*;
use std::sync::Arc;
use tokio::runtime;

/// The keys that are asked for, each once. The store then tidies up many times over.
const MISSES: u64 = 10_000;

/// At most so many allocations a miss, on average.
const LIMIT: u64 = 22;

/// An entity without parts on the heap: the body allocates nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "reading", ttl = "1h", key = id)]
struct Reading {
    id: u64,
    value: u64,
}

struct Readings {
    cache: CacheService<InMemoryBackend>,
}

impl Readings {
    #[cached]
    async fn find(&self, id: u64) -> Option<Reading> {
        Some(Reading { id, value: id * 2 })
    }
}

/// Asks for all these keys within one task.
async fn find_all(readings: Arc<Readings>, ids: std::ops::Range<u64>) {
    for id in ids {
        let value = id * 2;
        assert_eq!(readings.find(id).await, Some(Reading { id, value }));
    }
}

#[test]
fn a_miss_with_an_instant_load_allocates_at_most_22_times() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let cache = CacheService::new(InMemoryBackend::new());
    let readings = Arc::new(Readings { cache });
    let ask = |ids| runtime.block_on(runtime.spawn(find_all(Arc::clone(&readings), ids)));
    // The tables of the store grow before the count begins.
    ask(0..MISSES).expect("no panic");
    let count = measure(|| ask(MISSES..2 * MISSES).expect("no panic")).count_total;
    assert_eq!(readings.cache.stats().loads, 2 * MISSES);
    println!("a miss: {} allocations", count / MISSES);
    assert!(count <= LIMIT * MISSES, "{count} for {MISSES} misses");
}
