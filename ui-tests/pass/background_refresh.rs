//! Bodies that a task can run: with whatever they are called, and clean under every lint that users deny.

#![deny(warnings, missing_docs, unused_qualifications, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use cache_kit::prelude::*;
use std::sync::Arc;

/// A rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "rate", ttl = "10s", stale_while_revalidate = "1m", key = (from, to))]
pub struct Rate {
    from: String,
    to: String,
}

/// Where rates come from.
pub trait Desk {
    /// Finds a rate.
    fn find(&self, from: &str, to: &str) -> impl Future<Output = Option<Rate>> + Send;
}

/// Rates.
#[derive(Clone, Debug)]
pub struct Rates<D> {
    cache: CacheService<InMemoryBackend>,
    desk: D,
}

impl<D: Desk + Clone + Send + Sync + 'static> Rates<D> {
    /// Finds a rate.
    #[cached(refresh = background)]
    pub async fn find<'a>(&'a self, from: &'a str, to: &'a str) -> Option<Rate> {
        self.desk.find(from, to).await
    }

    /// Finds a rate, and changes its arguments.
    ///
    /// # Errors
    /// If there is none.
    #[cached(refresh = background, skip(r#loop, notes))]
    pub async fn find_it<N: Clone + Send + Sync + 'static>(
        self: Arc<Self>,
        mut from: String,
        to: &str,
        mut r#loop: u32,
        notes: &[N],
    ) -> Result<Option<Arc<Rate>>, String> {
        while r#loop > 0 {
            from.push_str("");
            r#loop -= 1;
        }
        if notes.is_empty() {
            return Err("no notes".to_owned());
        }
        let this = &self;
        let find = async || this.desk.find(&from, to).await;
        Ok(find().await.map(Arc::new))
    }
}

/// Finds a rate on its own.
#[cached(refresh = background)]
pub async fn find(cache: CacheService<InMemoryBackend>, from: &str, to: &str) -> Option<Rate> {
    let _ = cache.stats();
    Some(Rate {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

#[derive(Clone)]
struct Fixed;

impl Desk for Fixed {
    async fn find(&self, from: &str, to: &str) -> Option<Rate> {
        Some(Rate {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = CacheService::new(InMemoryBackend::new());
    let rates = Rates {
        cache: cache.clone(),
        desk: Fixed,
    };
    assert!(rates.find("EUR", "USD").await.is_some());
    assert!(find(cache, "EUR", "USD").await.is_some());
    let found = Arc::new(rates)
        .find_it("EUR".to_owned(), "CHF", 1, &["a"])
        .await;
    assert!(found.is_ok_and(|found| found.is_some()));
}
