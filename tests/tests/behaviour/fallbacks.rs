//! What serves while a load takes too long, and what does not.

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::soon;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::yield_now;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "account", ttl = "1m", key = id, index(email))]
struct Account {
    id: u64,
    email: String,
}

fn account(email: &str) -> Account {
    let email = email.to_owned();
    Account { id: 7, email }
}

/// Accounts in a database that can hang.
#[derive(Clone)]
struct Accounts {
    cache: CacheService<InMemoryBackend>,
    hangs: Arc<AtomicBool>,
}

impl Accounts {
    fn new(lifetime: Lifetime) -> (Self, ManualClock) {
        let clock = ManualClock::new();
        let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
        let cache = CacheService::builder(backend)
            .default_lifetime(lifetime)
            .hard_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let hangs = Arc::default();
        (Self { cache, hangs }, clock)
    }

    #[cached(index = email)]
    async fn find_by_email(&self, email: &str) -> cache_kit::Result<Option<Account>> {
        if self.hangs.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
        Ok((email == "ada@x").then(|| account(email)))
    }
}

#[tokio::test(start_paused = true)]
async fn an_entity_with_another_field_does_not_serve_a_look_up_by_index_that_takes_too_long() {
    let stale = Lifetime::new().with_stale_if_error(MINUTE * 60);
    let (accounts, clock) = Accounts::new(stale);
    for _ in 0..2 {
        let found = accounts.find_by_email("ada@x").await.unwrap();
        assert_eq!(found, Some(account("ada@x")));
    }
    accounts.cache.put(account("bob@x")).await.unwrap();
    clock.advance(MINUTE * 2);
    accounts.hangs.store(true, Ordering::SeqCst);
    let found = accounts.find_by_email("ada@x").await;
    assert!(matches!(found, Err(Error::Timeout)), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn where_an_entity_was_is_never_stale() {
    let stale = Lifetime::new().with_stale_if_error(MINUTE * 60 * 24);
    let (accounts, clock) = Accounts::new(stale);
    accounts.find_by_email("ada@x").await.unwrap();
    clock.advance(MINUTE * 11);
    accounts.hangs.store(true, Ordering::SeqCst);
    let found = accounts.find_by_email("ada@x").await;
    assert!(matches!(found, Err(Error::Timeout)), "{found:?}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "price", ttl = "1m", early_refresh = 1000000.0, key = id)]
struct Price {
    id: u64,
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_loads_ahead_and_has_no_more_patience_hands_over_to_one_that_waits() {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
    let cache = CacheService::builder(backend)
        .soft_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let price = || Ok::<_, Error>(Some(Price { id: 1 }));
    let first = cache.get_or_load(&1, async || {
        std::thread::sleep(Duration::from_millis(2));
        price()
    });
    first.await.unwrap();
    let ahead = tokio::spawn({
        let cache = cache.clone();
        async move {
            let never = || pending::<Result<Option<Price>, Error>>();
            cache.get_or_load(&1, never).await
        }
    });
    yield_now().await;
    clock.advance(MINUTE * 2);
    let waiting = cache.get_or_load(&1, async || price());
    let found = soon(waiting).await.unwrap();
    assert_eq!(found.as_deref(), Some(&Price { id: 1 }));
    let ahead = ahead.await.unwrap().unwrap();
    assert_eq!(ahead.as_deref(), Some(&Price { id: 1 }), "it is fresh");
}
