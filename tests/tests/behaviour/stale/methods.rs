//! Refreshes by a task, from whatever a body may be called with.

use super::*;
use async_trait::async_trait;
use std::fmt::Display;

/// As [`Rate`], with a key of two parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "quote", ttl = "10s", key = (from, to))]
struct Quote {
    from: String,
    to: String,
    version: u64,
}

#[derive(Clone)]
struct Quotes<B: CacheBackend, D> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    desk: D,
}

trait FindQuote {
    fn find<'a>(
        &'a self,
        from: &'a str,
        to: &'a str,
    ) -> impl Future<Output = Result<Quote, Error>> + Send;
}

impl<B: CacheBackend, D> FindQuote for Quotes<B, D>
where
    D: Clone + Display + Send + Sync + 'static,
{
    #[cached(stale_while_revalidate = "20s")]
    async fn find<'a>(&'a self, from: &'a str, to: &'a str) -> Result<Quote, Error> {
        Ok(self.quote(from, to, &[&self.desk.to_string()]))
    }
}

#[async_trait]
trait DynFindQuote {
    async fn find_dyn(&self, from: &str, to: String) -> Result<Option<Quote>, Error>;
}

#[async_trait]
impl<B: CacheBackend> DynFindQuote for Quotes<B, u8> {
    #[cached(stale_while_revalidate = "20s", refresh = background)]
    async fn find_dyn(&self, from: &str, to: String) -> Result<Option<Quote>, Error> {
        Ok(Some(self.quote(from, &to, &[])))
    }
}

impl<B: CacheBackend, D> Quotes<B, D> {
    fn quote(&self, from: &str, to: &str, _: &[&str]) -> Quote {
        Quote {
            from: from.to_owned(),
            to: to.to_owned(),
            version: self.loads.fetch_add(1, Ordering::SeqCst) + 1,
        }
    }
}

impl<B: CacheBackend, D: Clone + Send + Sync + 'static> Quotes<B, D> {
    /// What a body may be called with and may do.
    #[cached(stale_while_revalidate = "20s", skip(notes, mark, r#type))]
    async fn find_with<N: Clone + AsRef<str> + Send + Sync + 'static>(
        self: Arc<Self>,
        mut from: String,
        to: &str,
        notes: &[N],
        mark: Option<N>,
        r#type: u8,
    ) -> Result<Option<Arc<Quote>>, Error> {
        if r#type == 0 {
            return Ok(None);
        }
        from.push_str("");
        let notes: Vec<_> = notes.iter().chain(&mark).map(AsRef::as_ref).collect();
        let quote = self.quote(&from, to, &notes);
        let again = || self.loads.load(Ordering::SeqCst);
        assert!(again() > 0);
        Ok(Some(Arc::new(quote)))
    }
}

#[cached(cache = quotes.cache, skip(quotes), stale_while_revalidate = "20s")]
async fn find_free<B: CacheBackend>(
    quotes: &Quotes<B, u8>,
    from: &str,
    to: &'static str,
) -> Option<Quote> {
    Some(quotes.quote(from, to, &[]))
}

fn quotes<B: CacheBackend>(bench: &Bench<B>) -> Quotes<B, u8> {
    Quotes {
        cache: bench.rates.cache.clone(),
        loads: Arc::default(),
        desk: 7,
    }
}

on_each_store! {
    a_trait_method_is_refreshed
    a_method_of_async_trait_is_refreshed
    whatever_a_body_is_called_with_is_kept
    a_free_function_is_refreshed
}

/// Sees that what has been stale is refreshed by a task, by a function that says which version it
/// was given.
async fn is_refreshed<B: CacheBackend>(bench: &Bench<B>, find: impl AsyncFn() -> u64) {
    assert_eq!(find().await, 1);
    bench.clock.advance(SECOND * 15);
    assert_eq!(find().await, 1);
    bench.rates.cache.run_pending_tasks().await.unwrap();
    assert_eq!(find().await, 2);
    assert_eq!(find().await, 2);
}

async fn a_trait_method_is_refreshed<B: CacheBackend>(bench: Bench<B>) {
    let quotes = quotes(&bench);
    let (from, to) = ("EUR".to_owned(), "USD".to_owned());
    is_refreshed(&bench, async || {
        quotes.find(&from, &to).await.unwrap().version
    })
    .await;
}

async fn a_method_of_async_trait_is_refreshed<B: CacheBackend>(bench: Bench<B>) {
    let quotes: Box<dyn DynFindQuote> = Box::new(quotes(&bench));
    is_refreshed(&bench, async || {
        let found = quotes.find_dyn("EUR", "USD".to_owned()).await;
        found.unwrap().unwrap().version
    })
    .await;
}

async fn whatever_a_body_is_called_with_is_kept<B: CacheBackend>(bench: Bench<B>) {
    let quotes = Arc::new(quotes(&bench));
    is_refreshed(&bench, async || {
        let (quotes, notes) = (Arc::clone(&quotes), ["a", "b"]);
        let found = quotes.find_with("EUR".to_owned(), "USD", &notes, Some("c"), 1);
        found.await.unwrap().unwrap().version
    })
    .await;
}

async fn a_free_function_is_refreshed<B: CacheBackend>(bench: Bench<B>) {
    let quotes = quotes(&bench);
    is_refreshed(&bench, async || {
        find_free(&quotes, "EUR", "USD").await.unwrap().version
    })
    .await;
}
