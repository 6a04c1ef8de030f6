//! Values, indexes, batches and synchronous functions where they meet.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::soon;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A method with a prefix, called on two types.
struct Priced<K> {
    cache: CacheService<InMemoryBackend>,
    kind: K,
}

trait Price: Send + Sync {
    const PRICE: u64;
}

struct Low;
struct High;

impl Price for Low {
    const PRICE: u64 = 1;
}

impl Price for High {
    const PRICE: u64 = 2;
}

impl<K: Price> Priced<K> {
    #[cached(prefix = "price")]
    async fn price(&self, seats: u64) -> Result<u64, Error> {
        let _ = &self.kind;
        Ok(K::PRICE * seats)
    }

    #[cached(prefix = "told", key = (std::any::type_name::<K>(), seats), skip(Self))]
    async fn told(&self, seats: u64) -> u64 {
        K::PRICE * seats
    }
}

#[tokio::test]
async fn a_value_of_one_type_is_not_another_types() {
    let cache = CacheService::new(InMemoryBackend::new());
    let low = Priced {
        cache: cache.clone(),
        kind: Low,
    };
    let high = Priced { cache, kind: High };
    assert_eq!(low.price(3).await.unwrap(), 3);
    let error = high.price(3).await.unwrap_err();
    assert!(error.to_string().contains("two types"), "{error}");
    assert_eq!((low.told(3).await, high.told(3).await), (3, 6));
    assert_eq!((low.told(3).await, high.told(3).await), (3, 6));
}

/// Functions that one macro makes at one place.
struct Made<const N: u64> {
    cache: CacheService<ByteBackend>,
}

macro_rules! made {
    ($($n:literal),*) => {$(
        impl Made<$n> {
            #[cached(prefix = "made")]
            async fn value(&self, id: u64) -> Result<u64, Error> {
                Ok(id + $n)
            }
        }
    )*};
}

made!(10, 20);

#[tokio::test]
async fn functions_that_a_macro_makes_are_told_apart() {
    let cache = CacheService::new(ByteBackend::default());
    let made = Made::<10> {
        cache: cache.clone(),
    };
    assert_eq!(made.value(1).await.unwrap(), 11);
    cache.run_pending_tasks().await.unwrap();
    let error = Made::<20> { cache }.value(1).await.unwrap_err();
    assert!(
        error.to_string().contains("prefix `made` belongs to"),
        "{error}"
    );
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "1m", stale_if_error = "1h", index(name), tags = ["user:{id}"])]
struct User {
    id: u64,
    name: String,
    version: u64,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("no connection")]
struct DbError;

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
    row: Arc<Mutex<Option<User>>>,
    is_failing: Arc<AtomicBool>,
    loads: Arc<AtomicU64>,
}

impl Users {
    fn over(clock: &ManualClock) -> Self {
        let backend = InMemoryBackend::builder().clock(clock).build().unwrap();
        let users = Self {
            cache: CacheService::new(backend),
            row: Arc::default(),
            is_failing: Arc::default(),
            loads: Arc::default(),
        };
        users.set(1);
        users
    }

    fn set(&self, version: u64) {
        let name = "ada".to_owned();
        *self.row.lock().unwrap() = Some(User {
            id: 1,
            name,
            version,
        });
    }

    async fn load(&self) -> Result<Option<User>, DbError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        if self.is_failing.load(Ordering::SeqCst) {
            return Err(DbError);
        }
        Ok(self.row.lock().unwrap().clone())
    }

    #[cached]
    async fn find(&self, id: u64) -> Result<Option<User>, DbError> {
        let _ = id;
        self.load().await
    }

    #[cached(index = name)]
    async fn by_name(&self, name: &str) -> Result<Option<User>, DbError> {
        let _ = name;
        self.load().await
    }

    #[cached(index = name, strategy = Invalidate)]
    async fn by_name_anew(&self, name: &str) -> Result<Option<User>, DbError> {
        let _ = name;
        self.load().await
    }

    #[cached]
    fn find_now(&self, id: u64) -> Option<User> {
        let name = "now".to_owned();
        Some(User {
            id,
            name,
            version: 0,
        })
    }

    #[cached(prefix = "queue")]
    async fn queue(&self) -> VecDeque<User> {
        self.load().await.ok().flatten().into_iter().collect()
    }
}

async fn version(found: impl Future<Output = Result<Option<User>, DbError>>) -> Option<u64> {
    found.await.unwrap().map(|user| user.version)
}

#[tokio::test]
async fn invalidate_by_an_index_drops_the_entity_though_nothing_said_where_it_is() {
    let users = Users::over(&ManualClock::new());
    assert_eq!(version(users.find(1)).await, Some(1));
    users.set(2);
    assert_eq!(version(users.by_name_anew("ada")).await, Some(2));
    assert_eq!(version(users.find(1)).await, Some(2));
}

#[tokio::test]
async fn a_deletion_that_an_index_sees_is_no_failure_of_a_load() {
    let clock = ManualClock::new();
    let users = Users::over(&clock);
    for _ in 0..2 {
        users.by_name("ada").await.unwrap();
    }
    *users.row.lock().unwrap() = None;
    clock.advance(Duration::from_secs(61));
    assert_eq!(version(users.by_name("ada")).await, None);
    assert_eq!(
        version(users.find(1)).await,
        None,
        "what is stale stands in for failures only"
    );
    assert_eq!(users.cache.stats().load_failures, 0);
}

#[tokio::test]
async fn callers_by_an_index_share_a_failure() {
    let users = Users::over(&ManualClock::new());
    for is_known in [false, true] {
        users.is_failing.store(true, Ordering::SeqCst);
        users.loads.store(0, Ordering::SeqCst);
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let users = users.clone();
                tokio::spawn(async move { users.by_name("ada").await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Err(DbError));
        }
        assert_eq!(
            users.loads.load(Ordering::SeqCst),
            1,
            "where it is was known: {is_known}"
        );
        users.is_failing.store(false, Ordering::SeqCst);
        users.by_name("ada").await.unwrap();
    }
}

#[tokio::test]
async fn a_function_that_does_not_wait_does_not_stop_the_runtime_it_is_in() {
    let users = Users::over(&ManualClock::new());
    let leader = tokio::spawn({
        let users = users.clone();
        async move { users.find(1).await }
    });
    tokio::task::yield_now().await;
    // Its leader needs this thread.
    assert_eq!(users.find_now(1).unwrap().name, "now");
    assert!(soon(leader).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn any_list_of_entities_carries_their_tags() {
    let users = Users::over(&ManualClock::new());
    assert_eq!(users.queue().await[0].version, 1);
    users.set(2);
    users.cache.invalidate_tag("user:1").await.unwrap();
    assert_eq!(users.queue().await[0].version, 2);
}

#[cached(prefix = "pair", key = format!("{from}-{to:>5}"))]
async fn pair(cache: &CacheService<InMemoryBackend>, from: &str, to: u64) -> String {
    format!("{from}{to}")
}

#[tokio::test]
async fn a_key_may_be_a_format_that_captures() {
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(
        (pair(&cache, "a", 1).await, pair(&cache, "a", 2).await),
        ("a1".into(), "a2".into())
    );
}

#[cached(skip(is_wanted))]
async fn wanted(
    cache: &CacheService<InMemoryBackend>,
    ids: &[u64],
    is_wanted: impl Fn(u64) -> bool + Send + Sync,
) -> Vec<User> {
    let wanted = ids.iter().filter(|id| is_wanted(**id));
    wanted
        .map(|id| User {
            id: *id,
            name: String::new(),
            version: 0,
        })
        .collect()
}

#[tokio::test]
async fn a_batch_may_call_what_it_is_given() {
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(wanted(&cache, &[1, 2, 3], |id| id > 1).await.len(), 2);
}

#[cached(prefix = "cow")]
async fn cow(cache: &CacheService<InMemoryBackend>, text: std::borrow::Cow<'_, str>) -> usize {
    text.len()
}

#[tokio::test]
async fn borrowed_or_owned_text_is_a_part_of_a_key() {
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(cow(&cache, "abc".into()).await, 3);
    assert_eq!(cow(&cache, String::from("abcd").into()).await, 4);
}
