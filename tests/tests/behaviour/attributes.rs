//! `#[cached]` on every form of function.

mod options;
mod outputs;
mod together;

use cache_kit::prelude::*;
use futures::future::BoxFuture;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is cached: which load made it, and nothing for the id 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "item", key = id, ttl = "1h")]
struct Item {
    id: u64,
    load: u64,
}

/// The same with two key fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "cell", key = (sheet, row))]
struct Cell {
    sheet: String,
    row: u32,
    load: u64,
}

/// An error that is neither `Clone` nor `From`.
#[derive(Debug, PartialEq)]
struct Broken(&'static str);

type DbResult<T> = Result<T, Broken>;

struct Desk<B: CacheBackend = InMemoryBackend> {
    cache: CacheService<B>,
    loads: Counter,
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl Counter {
    fn item(&self, id: u64) -> Option<Item> {
        let load = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        (id > 0).then_some(Item { id, load })
    }

    fn cell(&self, sheet: &str, row: u32) -> Cell {
        let load = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Cell {
            sheet: sheet.to_owned(),
            row,
            load,
        }
    }
}

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

fn desk() -> Desk {
    Desk {
        cache: cache(),
        loads: Counter::default(),
    }
}

const FIRST: Option<Item> = Some(Item { id: 7, load: 1 });

#[cached(skip(loads))]
async fn free<B: CacheBackend>(cache: &CacheService<B>, loads: &Counter, id: u64) -> Option<Item>
where
    B::Permit: Debug,
{
    loads.item(id)
}

#[cached(skip(loads))]
async fn free_shared(
    cache: Arc<CacheService<InMemoryBackend>>,
    loads: &Counter,
    id: u64,
) -> Option<Item> {
    loads.item(id)
}

#[cached(cache = home.1, skip(loads))]
async fn free_elsewhere(
    home: &(u8, CacheService<InMemoryBackend>),
    loads: &Counter,
    id: u64,
) -> Option<Item> {
    loads.item(id)
}

#[cached(skip(loads))]
#[allow(clippy::manual_async_fn, reason = "this form is what is tested")]
fn returning_future<'a>(
    cache: &'a CacheService<InMemoryBackend>,
    loads: &'a Counter,
    id: u64,
) -> impl Future<Output = Option<Item>> + Send + 'a {
    async move { loads.item(id) }
}

#[cached(skip(loads))]
fn returning_box<'a>(
    cache: &'a CacheService<InMemoryBackend>,
    loads: &'a Counter,
    id: u64,
) -> Pin<Box<dyn Future<Output = Option<Item>> + Send + 'a>> {
    Box::pin(async move { loads.item(id) })
}

#[cached(skip(loads))]
fn returning_alias<'a>(
    cache: &'a CacheService<InMemoryBackend>,
    loads: &'a Counter,
    id: u64,
) -> BoxFuture<'a, Option<Item>> {
    Box::pin(async move { loads.item(id) })
}

#[tokio::test]
async fn free_functions_are_cached_wherever_their_cache_is() {
    let (cache, loads) = (cache(), Counter::default());
    let (shared, home) = (Arc::new(cache.clone()), (0, cache.clone()));
    assert_eq!(free(&cache, &loads, 7).await, FIRST);
    assert_eq!(free(&cache, &loads, 7).await, FIRST);
    assert_eq!(free_shared(shared, &loads, 7).await, FIRST);
    assert_eq!(free_elsewhere(&home, &loads, 7).await, FIRST);
    assert_eq!(returning_future(&cache, &loads, 7).await, FIRST);
    assert_eq!(returning_box(&cache, &loads, 7).await, FIRST);
    assert_eq!(returning_alias(&cache, &loads, 7).await, FIRST);
    assert_eq!(returning_box(&cache, &loads, 8).await.unwrap().load, 2);
}

/// Something that can be asked, as a native trait and boxed.
trait Find {
    async fn find(&self, id: u64) -> DbResult<Option<Item>>;
    fn find_send(&self, id: u64) -> impl Future<Output = DbResult<Option<Item>>> + Send;
}

#[async_trait::async_trait]
trait FindBoxed: Send + Sync {
    async fn find_boxed(&self, sheet: &str, row: u32) -> DbResult<Cell>;
}

impl<B: CacheBackend> Find for Desk<B> {
    #[cached]
    async fn find(&self, id: u64) -> DbResult<Option<Item>> {
        Ok(self.loads.item(id))
    }

    #[cached]
    async fn find_send(&self, id: u64) -> DbResult<Option<Item>> {
        tokio::task::yield_now().await;
        Ok(self.loads.item(id))
    }
}

#[async_trait::async_trait]
impl<B: CacheBackend> FindBoxed for Desk<B> {
    #[cached]
    async fn find_boxed(&self, sheet: &str, row: u32) -> DbResult<Cell> {
        tokio::task::yield_now().await;
        Ok(self.loads.cell(sheet, row))
    }
}

/// The attribute below the other one sees what `async_trait` made.
struct Above(Desk);

#[async_trait::async_trait]
impl FindBoxed for Above {
    #[cached(cache = self.0.cache)]
    async fn find_boxed(&self, sheet: &str, row: u32) -> DbResult<Cell> {
        Ok(self.0.loads.cell(sheet, row))
    }
}

#[tokio::test]
async fn trait_methods_are_cached_natively_boxed_and_through_dyn() {
    let desk = desk();
    assert_eq!(desk.find(7).await, Ok(FIRST));
    assert_eq!(desk.find_send(7).await, Ok(FIRST));
    let boxed: [Box<dyn FindBoxed>; 2] = [Box::new(desk), Box::new(Above(self::desk()))];
    for desk in &boxed {
        let first = desk.find_boxed("a", 1).await.unwrap();
        assert_eq!(desk.find_boxed("a", 1).await.unwrap(), first);
        assert_ne!(desk.find_boxed("a", 2).await.unwrap().load, first.load);
    }
}

impl<B: CacheBackend> Desk<B> {
    #[cached(skip(source, _conn))]
    async fn generic<S, const N: usize>(
        &self,
        source: S,
        _conn: &mut [u8; N],
        id: u64,
    ) -> Option<Item>
    where
        S: Fn(u64) -> Option<Item> + Send,
    {
        source(id)
    }

    #[cached]
    async fn by_impl(
        &self,
        sheet: impl AsRef<str> + Send + cache_kit::output::KeyArg<String>,
        row: u32,
    ) -> Cell {
        self.loads.cell(sheet.as_ref(), row)
    }
}

#[tokio::test]
async fn generic_methods_make_futures_that_can_be_spawned() {
    fn spawned<B: CacheBackend>(desk: Arc<Desk<B>>) -> tokio::task::JoinHandle<Option<Item>> {
        tokio::spawn(async move {
            let loads = desk.loads.clone();
            assert_eq!(
                desk.by_impl("a", 1).await,
                desk.by_impl(String::from("a"), 1).await
            );
            assert_eq!(
                desk.find_send(7).await.unwrap().map(|item| item.load),
                Some(2)
            );
            desk.generic(move |id| loads.item(id), &mut [0; 3], 7).await
        })
    }
    let found = spawned(Arc::new(desk())).await.unwrap();
    assert_eq!(found, Some(Item { id: 7, load: 2 }));
}

/// Attributes, docs and visibility stay on the function.
mod annotated {
    use super::*;

    /// Is documented, deprecated in no way, and seen from outside.
    #[cached(skip(loads))]
    #[must_use]
    #[inline]
    #[allow(clippy::needless_return, unused_variables)]
    pub(super) async fn find(
        cache: &CacheService<InMemoryBackend>,
        loads: &Counter,
        id: u64,
    ) -> Option<Item> {
        let unused = 1;
        #[cfg(test)]
        return loads.item(id);
    }
}

#[tokio::test]
async fn attributes_and_visibility_are_kept() {
    let (cache, loads) = (cache(), Counter::default());
    assert_eq!(annotated::find(&cache, &loads, 7).await, FIRST);
}

#[tokio::test]
async fn a_panic_of_the_body_reaches_the_caller_and_the_next_call_loads() {
    #[cached(skip(loads))]
    async fn touchy(cache: CacheService<InMemoryBackend>, loads: Counter, id: u64) -> Item {
        assert!(
            loads.item(id).is_some_and(|item| item.load > 1),
            "the first load panics"
        );
        loads.item(id).expect("there is one")
    }
    let (cache, loads) = (cache(), Counter::default());
    let first = tokio::spawn(touchy(cache.clone(), loads.clone(), 7));
    assert!(first.await.unwrap_err().is_panic());
    assert_eq!(touchy(cache, loads, 7).await.load, 3);
}

#[tokio::test]
async fn a_cached_function_may_call_itself() {
    #[cached]
    async fn factorial(cache: &CacheService<InMemoryBackend>, id: u64) -> Item {
        let load = if id == 0 {
            1
        } else {
            id * Box::pin(factorial(cache, id - 1)).await.load
        };
        Item { id, load }
    }
    let cache = cache();
    assert_eq!(factorial(&cache, 10).await.load, 3_628_800);
    assert_eq!(cache.get::<Item>(&9).await.unwrap().unwrap().load, 362_880);
    assert_eq!(cache.stats().loads, 11);
}
