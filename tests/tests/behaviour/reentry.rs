//! A body that asks the cache for the key that it is loading does not wait for itself. It loads
//! directly.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock, Retry};
use cache_kit_tests::{clocked_cache, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "node", ttl = "10s", key = id, index(name))]
struct Node {
    id: u64,
    name: String,
}

fn node(id: u64) -> Node {
    Node {
        id,
        name: format!("name {id}"),
    }
}

/// How a body asks for the key that it is loading.
#[derive(Clone, Copy, Debug)]
enum Again {
    /// By the same function.
    Itself,
    /// By the finder.
    Finder,
    /// By `get_or_load`.
    ByHand,
    /// By `get_or_load` of a service that was made by `to_builder`.
    Sibling,
    /// By `get_or_load_many`, with another key.
    ManyByHand,
    /// By the finder, twice at once.
    Twice,
    /// By a body of another key, which asks for this one.
    Around,
}

const ALL: [Again; 7] = [
    Again::Itself,
    Again::Finder,
    Again::ByHand,
    Again::Sibling,
    Again::ManyByHand,
    Again::Twice,
    Again::Around,
];

/// Functions whose bodies ask again. Every body is counted.
#[derive(Clone)]
struct Tree<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
}

impl<B: CacheBackend> Tree<B> {
    fn new(backend: B) -> Self {
        Self::over(CacheService::new(backend))
    }

    fn over(cache: CacheService<B>) -> Self {
        Self {
            cache,
            loads: Arc::default(),
        }
    }

    fn loads(&self) -> u64 {
        self.loads.swap(0, Ordering::SeqCst)
    }

    fn count(&self) {
        self.loads.fetch_add(1, Ordering::SeqCst);
    }

    async fn load(&self, id: u64) -> Result<Option<Node>, Error> {
        self.count();
        tokio::task::yield_now().await;
        Ok(Some(node(id)))
    }

    /// Asks again for a key that is being loaded.
    async fn again(&self, id: u64, again: Again) -> Result<Option<Node>, Error> {
        let own = |found: Option<Arc<Node>>| found.map(Arc::unwrap_or_clone);
        match again {
            Again::Itself | Again::Finder => Box::pin(self.find(id, None)).await,
            Again::ByHand => {
                let found = self.cache.get_or_load(&id, || self.load(id)).await;
                found.map(own)
            }
            Again::Sibling => {
                let builder = self.cache.to_builder();
                let sibling = builder.backend_deadline(Duration::from_secs(7)).build()?;
                let found = sibling.get_or_load(&id, || self.load(id)).await;
                found.map(own)
            }
            Again::ManyByHand => {
                let load = |ids: Vec<u64>| async {
                    self.count();
                    Ok::<_, Error>(ids.into_iter().map(node).collect())
                };
                let keys = [id, id + 100];
                let mut found = self
                    .cache
                    .get_or_load_many::<Node, _, _>(&keys, load)
                    .await?;
                Ok(own(found.swap_remove(0)))
            }
            Again::Twice => {
                let (one, other) = (self.find(id, None), self.find(id, None));
                let (one, other) = futures::join!(Box::pin(one), Box::pin(other));
                assert_eq!(one?, other?);
                Ok(Some(node(id)))
            }
            Again::Around => Box::pin(self.around(id + 1000, id))
                .await
                .map(|_| Some(node(id))),
        }
    }

    #[cached(skip(again))]
    async fn find(&self, id: u64, again: Option<Again>) -> Result<Option<Node>, Error> {
        let found = self.load(id).await;
        match again {
            Some(again) => self.again(id, again).await,
            None => found,
        }
    }

    #[cached(key = id, skip(inner))]
    async fn around(&self, id: u64, inner: u64) -> Result<Option<Node>, Error> {
        Box::pin(self.find(inner, None)).await?;
        Ok(Some(node(id)))
    }

    #[cached(skip(again))]
    async fn list(&self, ids: &[u64], again: Option<Again>) -> Result<Vec<Node>, Error> {
        self.count();
        match again {
            Some(Again::Itself) => return Box::pin(self.list(ids, None)).await,
            Some(again) => {
                for id in ids {
                    self.again(*id, again).await?;
                }
            }
            None => tokio::task::yield_now().await,
        }
        Ok(ids.iter().map(|id| node(*id)).collect())
    }

    #[cached(index = name, skip(again))]
    async fn find_by_name(&self, name: &str, again: Option<Again>) -> Result<Option<Node>, Error> {
        let id = name.strip_prefix("name ").and_then(|id| id.parse().ok());
        let id = id.unwrap_or(0);
        match again {
            Some(Again::Itself) => Box::pin(self.find_by_name(name, None)).await,
            Some(again) => {
                self.count();
                self.again(id, again).await
            }
            None => self.load(id).await,
        }
    }

    #[cached(prefix = "depth", skip(depth))]
    async fn depth(&self, id: u64, depth: u64) -> Result<u64, Error> {
        self.count();
        if depth == 0 {
            return Ok(id);
        }
        Box::pin(self.depth(id, depth - 1)).await
    }

    #[cached(
        retry = Retry::new(3).first_delay(Duration::ZERO),
        retry_if = |_| true,
        skip(failures)
    )]
    async fn insist(&self, id: u64, failures: &Arc<AtomicU64>) -> Result<Option<Node>, Error> {
        self.again(id, Again::Finder).await?;
        let left = |left: u64| left.checked_sub(1);
        match failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Err(Error::transient("busy")),
            Err(_) => Ok(Some(node(id))),
        }
    }

    #[cached(stale_while_revalidate = "1m")]
    async fn find_stale(&self, id: u64) -> Result<Option<Node>, Error> {
        self.count();
        let this = self.clone();
        this.again(id, Again::ByHand).await
    }
}

/// Asks in each way, over each store, from a cold cache.
macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn in_memory() {
                for again in ALL {
                    super::$name(Tree::new(InMemoryBackend::new()), again).await;
                }
            }

            #[tokio::test]
            async fn in_bytes() {
                for again in ALL {
                    super::$name(Tree::new(ByteBackend::default()), again).await;
                }
            }
        }
    )*};
}

on_each_store! {
    a_finder_may_ask_for_its_own_key
    a_batch_may_ask_for_its_own_keys
    an_index_look_up_may_ask_for_its_own_entity
}

/// How many bodies run inside of the outer one.
fn inner_loads(again: Again) -> u64 {
    match again {
        Again::Twice => 2,
        _ => 1,
    }
}

async fn a_finder_may_ask_for_its_own_key<B: CacheBackend>(tree: Tree<B>, again: Again) {
    let found = soon(tree.find(1, Some(again))).await;
    assert_eq!(found.unwrap(), Some(node(1)), "{again:?}");
    assert_eq!(tree.loads(), 1 + inner_loads(again), "{again:?}");
    tree.cache.run_pending_tasks().await.unwrap();
    assert_eq!(tree.find(1, Some(again)).await.unwrap(), Some(node(1)));
    assert_eq!(tree.loads(), 0, "{again:?}: it is stored");
}

async fn a_batch_may_ask_for_its_own_keys<B: CacheBackend>(tree: Tree<B>, again: Again) {
    let found = soon(tree.list(&[1, 2], Some(again))).await;
    assert_eq!(found.unwrap(), [node(1), node(2)], "{again:?}");
    let inner = match again {
        Again::Itself => 1,
        again => 2 * inner_loads(again),
    };
    assert_eq!(tree.loads(), 1 + inner, "{again:?}");
    tree.cache.run_pending_tasks().await.unwrap();
    let found = tree.list(&[2, 1], Some(again)).await;
    assert_eq!(found.unwrap(), [node(2), node(1)]);
    assert_eq!(tree.loads(), 0, "{again:?}: it is stored");
}

async fn an_index_look_up_may_ask_for_its_own_entity<B: CacheBackend>(tree: Tree<B>, again: Again) {
    // The first call stores the key of the entity, the second one the entity.
    for call in 1..=2 {
        let found = soon(tree.find_by_name("name 1", Some(again))).await;
        assert_eq!(found.unwrap(), Some(node(1)), "{again:?}, call {call}");
        tree.cache.run_pending_tasks().await.unwrap();
    }
    assert!(tree.loads() >= 2, "{again:?}");
    let found = tree.find_by_name("name 1", Some(again)).await;
    assert_eq!(found.unwrap(), Some(node(1)), "{again:?}");
    assert_eq!(tree.loads(), 0, "{again:?}: it is stored");
}

#[tokio::test]
async fn a_value_may_ask_for_itself_again_and_again() {
    let tree = Tree::new(InMemoryBackend::new());
    assert_eq!(soon(tree.depth(1, 5)).await.unwrap(), 1);
    assert_eq!(tree.loads(), 6);
    assert_eq!(tree.depth(1, 5).await.unwrap(), 1);
    assert_eq!(tree.loads(), 0);
    let tree = Tree::new(ByteBackend::default());
    assert_eq!(soon(tree.depth(1, 5)).await.unwrap(), 1);
    assert_eq!(tree.loads(), 6);
}

#[tokio::test]
async fn each_try_of_a_body_that_is_retried_may_ask_for_its_own_key() {
    let tree = Tree::new(InMemoryBackend::new());
    let failures = Arc::new(AtomicU64::new(2));
    // The inner load of the first try is stored. The next tries find it.
    let found = soon(tree.insist(1, &failures)).await;
    assert_eq!(found.unwrap(), Some(node(1)));
    assert!((1..=3).contains(&tree.loads()));
    assert_eq!(failures.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refresh_by_a_task_may_ask_for_its_own_key() {
    let (cache, clock): (_, ManualClock) = clocked_cache();
    let tree = Tree::over(cache);
    soon(tree.find_stale(1)).await.unwrap();
    clock.advance(Duration::from_secs(11));
    tree.loads();
    assert_eq!(soon(tree.find_stale(1)).await.unwrap(), Some(node(1)));
    soon(tree.cache.run_pending_tasks()).await.unwrap();
    assert!(tree.loads() >= 1);
    assert_eq!(tree.cache.stats().stale_hits, 1);
    soon(tree.find_stale(1)).await.unwrap();
    assert_eq!(tree.cache.stats().stale_hits, 1, "it is fresh again");
}

#[test]
fn without_a_runtime_it_does_not_wait_for_itself_either() {
    for again in ALL {
        let tree = Tree::new(InMemoryBackend::new());
        let found = futures::executor::block_on(tree.find(1, Some(again)));
        assert_eq!(found.unwrap(), Some(node(1)));
        let found = futures::executor::block_on(tree.list(&[5, 6], Some(again)));
        assert_eq!(found.unwrap(), [node(5), node(6)]);
    }
}

/// Synchronous functions.
struct Sums {
    cache: CacheService<InMemoryBackend>,
    sibling: CacheService<InMemoryBackend>,
    loads: AtomicU64,
}

impl Sums {
    fn new() -> Self {
        let cache = CacheService::new(InMemoryBackend::new());
        let builder = cache.to_builder();
        let sibling = builder.backend_deadline(Duration::from_secs(7)).build();
        Self {
            sibling: sibling.unwrap(),
            cache,
            loads: AtomicU64::new(0),
        }
    }

    #[cached(prefix = "sum", skip(depth))]
    fn sum(&self, of: u64, depth: u64) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst);
        match depth {
            0 => of,
            depth => self.sum(of, depth - 1),
        }
    }

    #[cached(skip(depth))]
    fn find(&self, id: u64, depth: u64) -> Option<Node> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        match depth {
            0 => Some(node(id)),
            depth => self.find_sibling(id, depth - 1),
        }
    }

    #[cached(cache = self.sibling, skip(depth))]
    fn find_sibling(&self, id: u64, depth: u64) -> Option<Node> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        match depth {
            0 => Some(node(id)),
            depth => self.find(id, depth - 1),
        }
    }

    #[cached]
    fn find_by_hand(&self, id: u64) -> Option<Node> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let load = || async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(Some(node(id)))
        };
        let found = futures::executor::block_on(self.cache.get_or_load(&id, load));
        found.unwrap().map(Arc::unwrap_or_clone)
    }

    /// Takes the number of loads. No call has waited for a flight until its deadline.
    fn loads(&self) -> u64 {
        let failures = [&self.cache, &self.sibling].map(|cache| cache.stats().failures);
        assert_eq!(failures, [0, 0]);
        self.loads.swap(0, Ordering::SeqCst)
    }
}

#[test]
fn a_synchronous_function_may_ask_for_its_own_key() {
    let sums = Sums::new();
    assert_eq!((sums.sum(7, 5), sums.loads()), (7, 6));
    assert_eq!((sums.sum(7, 5), sums.loads()), (7, 0));
}

#[test]
fn a_synchronous_function_may_ask_for_its_own_key_through_a_sibling() {
    let sums = Sums::new();
    assert_eq!((sums.find(1, 3), sums.loads()), (Some(node(1)), 4));
    assert_eq!((sums.find_sibling(1, 3), sums.loads()), (Some(node(1)), 0));
}

#[test]
fn a_synchronous_function_may_ask_for_its_own_key_by_hand() {
    let sums = Sums::new();
    assert_eq!((sums.find_by_hand(1), sums.loads()), (Some(node(1)), 2));
    assert_eq!((sums.find_by_hand(1), sums.loads()), (Some(node(1)), 0));
}

#[tokio::test]
async fn a_synchronous_function_may_ask_for_its_own_key_on_a_runtime() {
    let sums = Sums::new();
    assert_eq!((sums.sum(7, 3), sums.loads()), (7, 4));
    assert_eq!((sums.find(1, 3), sums.loads()), (Some(node(1)), 4));
}
