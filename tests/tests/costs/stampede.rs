//! How much memory many callers of one cold key take together.

use allocation_counter::measure;
use cache_kit::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::{runtime, task};

/// How many tasks ask at once.
const TASKS: usize = 10_000;

/// At most so many bytes over those of the idle program.
const LIMIT: u64 = 11 << 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "headline", ttl = "1h", key = id)]
struct Headline {
    id: u64,
    text: String,
}

struct Headlines {
    cache: CacheService<InMemoryBackend>,
    /// How many tasks have not asked yet.
    missing: AtomicUsize,
}

impl Headlines {
    /// Loads until all have asked, however busy the machine is.
    #[cached]
    async fn find(&self, id: u64) -> Option<Arc<Headline>> {
        while self.missing.load(Relaxed) > 0 {
            task::yield_now().await;
        }
        let text = "a headline".to_owned();
        Some(Arc::new(Headline { id, text }))
    }
}

/// Has all tasks ask for one key, and waits for the answers.
async fn ask(headlines: Arc<Headlines>, tasks: usize, id: u64) {
    headlines.missing.store(tasks, Relaxed);
    let calls: Vec<_> = (0..tasks)
        .map(|_| {
            let headlines = Arc::clone(&headlines);
            tokio::spawn(async move {
                headlines.missing.fetch_sub(1, Relaxed);
                headlines.find(id).await.map(|found| found.id)
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), Some(id));
    }
}

#[test]
fn ten_thousand_callers_of_a_cold_key_take_at_most_11_mib() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let cache = CacheService::new(InMemoryBackend::new());
    let missing = AtomicUsize::new(0);
    let headlines = Arc::new(Headlines { cache, missing });
    runtime.block_on(ask(Arc::clone(&headlines), 2, 1));
    let taken = measure(|| runtime.block_on(ask(Arc::clone(&headlines), TASKS, 7)));
    assert_eq!(headlines.cache.stats().loads, 2, "one load a key");
    let bytes = taken.bytes_max;
    println!("{TASKS} callers: {} bytes each", bytes / TASKS as u64);
    assert!(bytes <= LIMIT, "{} KiB", bytes >> 10);
}
