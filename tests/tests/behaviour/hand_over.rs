//! A caller that is cancelled has let go of all that its body held before a follower's body begins:
//! a connection, a lock.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::soon;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use tokio::task::yield_now;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "item", ttl = "1h", key = id, index(name))]
struct Item {
    id: u64,
    name: String,
}

fn item(id: u64) -> Item {
    Item {
        id,
        name: format!("name {id}"),
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What a body holds: it says when it is let go of.
struct Held {
    log: Log,
    body: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.log.say(format!("{} lets go", self.body));
    }
}

/// Bodies are numbered in the order in which they begin.
#[derive(Clone)]
struct Items<B: CacheBackend> {
    cache: CacheService<B>,
    log: Log,
    bodies: Arc<AtomicU64>,
}

impl<B: CacheBackend> Items<B> {
    fn new(backend: B) -> Self {
        Self {
            cache: CacheService::new(backend),
            log: Log::default(),
            bodies: Arc::default(),
        }
    }

    async fn work(&self) {
        let body = self.bodies.fetch_add(1, Ordering::SeqCst) + 1;
        self.log.say(format!("{body} begins"));
        let held = Held {
            log: self.log.clone(),
            body,
        };
        for _ in 0..3 {
            yield_now().await;
        }
        drop(held);
    }

    #[cached]
    async fn find(&self, id: u64) -> cache_kit::Result<Option<Item>> {
        self.work().await;
        Ok(Some(item(id)))
    }

    #[cached(prefix = "price")]
    async fn price(&self, id: u64) -> cache_kit::Result<u64> {
        self.work().await;
        Ok(id)
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> cache_kit::Result<Vec<Item>> {
        self.work().await;
        Ok(ids.iter().map(|id| item(*id)).collect())
    }

    #[cached(index = name)]
    async fn find_by_name(&self, name: &str) -> cache_kit::Result<Option<Item>> {
        self.work().await;
        let id = name.strip_prefix("name ").and_then(|id| id.parse().ok());
        Ok(id.map(item))
    }
}

/// Says when a follower is woken.
struct Woken(Log);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.say("woken");
    }
}

/// Cancels a caller in the middle of its body while another waits for it, and says what happened
/// until the other one had its answer.
async fn cancel<A>(
    log: &Log,
    leader: impl Future<Output = A>,
    follower: impl Future<Output = A>,
) -> (A, Vec<String>) {
    let (mut leader, mut follower) = (Box::pin(leader), Box::pin(follower));
    while log.lines().is_empty() {
        assert!(futures::poll!(&mut leader).is_pending());
    }
    // Until it waits for nothing but the leader.
    for _ in 0..8 {
        assert!(futures::poll!(&mut follower).is_pending());
        yield_now().await;
    }
    let waker = Waker::from(Arc::new(Woken(log.clone())));
    let mut context = Context::from_waker(&waker);
    assert!(follower.as_mut().poll(&mut context).is_pending());
    drop(leader);
    let answer = soon(follower).await;
    (answer, log.lines())
}

macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn in_memory() {
                super::$name(Items::new(InMemoryBackend::new())).await;
            }

            #[tokio::test]
            async fn in_bytes() {
                super::$name(Items::new(ByteBackend::default())).await;
            }
        }
    )*};
}

on_each_store! {
    the_body_of_a_finder_is_dropped_before_a_follower_begins
    the_body_of_a_value_is_dropped_before_a_follower_begins
    the_body_of_a_batch_is_dropped_before_a_follower_begins
    the_body_of_an_index_look_up_is_dropped_before_a_follower_begins
    the_load_of_get_or_load_is_dropped_before_a_follower_begins
}

const IN_ORDER: [&str; 5] = ["1 begins", "1 lets go", "woken", "2 begins", "2 lets go"];

async fn the_body_of_a_finder_is_dropped_before_a_follower_begins<B: CacheBackend>(
    items: Items<B>,
) {
    let (found, log) = cancel(&items.log, items.find(1), items.find(1)).await;
    assert_eq!(found.unwrap(), Some(item(1)));
    assert_eq!(log, IN_ORDER);
}

async fn the_body_of_a_value_is_dropped_before_a_follower_begins<B: CacheBackend>(items: Items<B>) {
    let (found, log) = cancel(&items.log, items.price(1), items.price(1)).await;
    assert_eq!(found.unwrap(), 1);
    assert_eq!(log, IN_ORDER);
}

async fn the_body_of_a_batch_is_dropped_before_a_follower_begins<B: CacheBackend>(items: Items<B>) {
    let (found, log) = cancel(&items.log, items.list(&[1, 2]), items.list(&[1, 2])).await;
    assert_eq!(found.unwrap(), [item(1), item(2)]);
    assert_eq!(log, IN_ORDER);
}

async fn the_body_of_an_index_look_up_is_dropped_before_a_follower_begins<B: CacheBackend>(
    items: Items<B>,
) {
    let (first, second) = (items.find_by_name("name 1"), items.find_by_name("name 1"));
    let (found, log) = cancel(&items.log, first, second).await;
    assert_eq!(found.unwrap(), Some(item(1)));
    assert_eq!(log, IN_ORDER);
}

async fn the_load_of_get_or_load_is_dropped_before_a_follower_begins<B: CacheBackend>(
    items: Items<B>,
) {
    let load = || async {
        items.work().await;
        Ok::<_, cache_kit::Error>(Some(item(1)))
    };
    let cache = &items.cache;
    let (first, second) = (cache.get_or_load(&1, load), cache.get_or_load(&1, load));
    let (found, log) = cancel(&items.log, first, second).await;
    assert_eq!(found.unwrap().as_deref(), Some(&item(1)));
    assert_eq!(log, IN_ORDER);
}
