//! What a caller can tell of what it got, and what a load can say of itself.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Cached, Error, ManualClock, Outcome, output::Source};
use cache_kit_tests::settle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(
    prefix = "token",
    ttl = "10s",
    stale_if_error = "1m",
    negative_ttl = "5s",
    key = id
)]
struct Token {
    id: u64,
    lives: u64,
}

#[derive(Clone)]
struct Tokens<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
}

impl<B: CacheBackend> Tokens<B> {
    fn load(&self, id: u64, lives: u64) -> Result<Option<Token>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::RepositoryError("down".into()));
        }
        Ok((id < 100).then_some(Token { id, lives }))
    }

    #[cached]
    async fn tell(&self, id: u64) -> Result<Outcome<Option<Token>>, Error> {
        tokio::task::yield_now().await;
        Ok(self.load(id, 0)?.into())
    }

    #[cached(strategy = Fresh)]
    async fn tell_fresh(&self, id: u64) -> Result<Outcome<Option<Arc<Token>>>, Error> {
        unreachable!("asked for {id}")
    }

    #[cached(skip(lives))]
    async fn decide(&self, id: u64, lives: u64) -> Result<Cached<Option<Token>>, Error> {
        let token = self.load(id, lives)?;
        Ok(Cached::new(token).ttl(SECOND * u32::try_from(lives).unwrap()))
    }

    #[cached(condition = id != 13)]
    async fn find_if(&self, id: u64) -> Result<Option<Token>, Error> {
        self.load(id, 0)
    }

    #[cached(skip(lives), unless = |token| token.as_ref().is_some_and(|token| token.lives == 0))]
    async fn find_unless(&self, id: u64, lives: u64) -> Result<Option<Token>, Error> {
        self.load(id, lives)
    }

    #[cache_put]
    async fn save(&self, token: Token) -> Cached<Token> {
        let ttl = SECOND * u32::try_from(token.lives).unwrap();
        Cached::new(token).ttl(ttl)
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

fn tokens<B: CacheBackend>(backend: B) -> Tokens<B> {
    Tokens {
        cache: CacheService::new(backend),
        loads: Arc::default(),
        fails: Arc::default(),
    }
}

macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn in_memory() {
                let clock = ManualClock::new();
                let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
                super::$name(tokens(backend), clock).await;
            }

            #[tokio::test(start_paused = true)]
            async fn in_bytes() {
                let clock = ManualClock::new();
                super::$name(tokens(ByteBackend::new(&clock)), clock).await;
            }
        }
    )*};
}

on_each_store! {
    an_outcome_says_where_it_comes_from_and_how_old_it_is
    who_waited_is_told_so
    a_load_says_how_long_what_it_brings_lives
    what_lives_for_no_time_is_not_stored
    a_written_entity_says_how_long_it_lives
    where_the_condition_does_not_hold_the_cache_is_left_alone
    what_is_not_wanted_is_not_stored_and_replaces_what_is
    by_hand_it_is_the_same
}

async fn an_outcome_says_where_it_comes_from_and_how_old_it_is<B: CacheBackend>(
    tokens: Tokens<B>,
    clock: ManualClock,
) {
    let told = async |id| {
        let outcome = tokens.tell(id).await.unwrap();
        (outcome.source, outcome.age, outcome.value.is_some())
    };
    assert_eq!(told(1).await, (Source::Loaded, None, true));
    clock.advance(SECOND * 3);
    assert_eq!(told(1).await, (Source::Hit, Some(SECOND * 3), true));
    assert_eq!(told(404).await, (Source::Loaded, None, false));
    clock.advance(SECOND * 2);
    assert_eq!(told(404).await, (Source::Absent, Some(SECOND * 2), false));
    tokens.fails.store(true, Ordering::SeqCst);
    clock.advance(SECOND * 6);
    assert_eq!(told(1).await, (Source::Stale, Some(SECOND * 11), true));
    assert!(tokens.tell(1).await.unwrap().is_stale());
    let fresh = async |id| tokens.tell_fresh(id).await.unwrap().source;
    assert_eq!(fresh(2).await, Source::Miss);
    assert_eq!(fresh(1).await, Source::Miss);
}

async fn who_waited_is_told_so<B: CacheBackend>(tokens: Tokens<B>, _: ManualClock) {
    let others: Vec<_> = (0..3)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.tell(1).await.unwrap().source })
        })
        .collect();
    let mut sources = Vec::new();
    for other in others {
        sources.push(other.await.unwrap());
    }
    sources.sort_by_key(|source| *source != Source::Loaded);
    assert_eq!(sources[0], Source::Loaded);
    assert!(
        sources[1..]
            .iter()
            .all(|source| matches!(source, Source::Shared | Source::Hit)),
        "{sources:?}"
    );
    assert_eq!(tokens.loads(), 1);
}

async fn a_load_says_how_long_what_it_brings_lives<B: CacheBackend>(
    tokens: Tokens<B>,
    clock: ManualClock,
) {
    for (id, lives) in [(1, 3), (2, 30)] {
        assert_eq!(
            tokens.decide(id, lives).await.unwrap().value.unwrap().lives,
            lives
        );
    }
    clock.advance(SECOND * 2);
    let is_there = async |id| tokens.cache.get::<Token>(&id).await.unwrap().is_some();
    assert!(is_there(1).await && is_there(2).await);
    clock.advance(SECOND);
    assert!(!is_there(1).await && is_there(2).await);
    clock.advance(SECOND * 27);
    assert!(!is_there(2).await);
    // What it says of its end says nothing of what comes after.
    tokens.fails.store(true, Ordering::SeqCst);
    assert!(tokens.decide(2, 30).await.is_ok());
}

async fn what_lives_for_no_time_is_not_stored<B: CacheBackend>(tokens: Tokens<B>, _: ManualClock) {
    for _ in 0..2 {
        assert!(tokens.decide(1, 0).await.unwrap().into_inner().is_some());
    }
    assert_eq!(tokens.loads(), 2);
}

async fn a_written_entity_says_how_long_it_lives<B: CacheBackend>(
    tokens: Tokens<B>,
    clock: ManualClock,
) {
    let is_there = async || tokens.cache.get::<Token>(&1).await.unwrap().is_some();
    tokens.save(Token { id: 1, lives: 3 }).await;
    clock.advance(SECOND * 2);
    assert!(is_there().await);
    clock.advance(SECOND);
    assert!(!is_there().await);
    tokens.save(Token { id: 1, lives: 3 }).await;
    tokens.save(Token { id: 1, lives: 0 }).await;
    assert!(!is_there().await);
}

async fn where_the_condition_does_not_hold_the_cache_is_left_alone<B: CacheBackend>(
    tokens: Tokens<B>,
    _: ManualClock,
) {
    for id in [7, 7, 13, 13] {
        assert!(tokens.find_if(id).await.unwrap().is_some());
    }
    assert_eq!(tokens.loads(), 3);
    let kept = Token { id: 13, lives: 99 };
    tokens.cache.put(kept).await.unwrap();
    assert_eq!(tokens.find_if(13).await.unwrap().unwrap().lives, 0);
    assert!(tokens.cache.get::<Token>(&13).await.unwrap().is_some());
}

async fn what_is_not_wanted_is_not_stored_and_replaces_what_is<B: CacheBackend>(
    tokens: Tokens<B>,
    clock: ManualClock,
) {
    for lives in [0, 0, 5, 0] {
        assert!(tokens.find_unless(1, lives).await.unwrap().is_some());
    }
    assert_eq!(tokens.loads(), 3);
    clock.advance(SECOND * 10);
    assert_eq!(tokens.find_unless(1, 0).await.unwrap().unwrap().lives, 0);
    settle().await;
    // The stale one is older than what was loaded.
    tokens.fails.store(true, Ordering::SeqCst);
    assert!(tokens.find_unless(1, 0).await.is_err());
}

async fn by_hand_it_is_the_same<B: CacheBackend>(tokens: Tokens<B>, clock: ManualClock) {
    let find = async |strategy| {
        let load = || async {
            let token = Cached::new(tokens.load(1, 0)?).lifetime(Lifetime::from(SECOND));
            Ok::<_, Error>(Outcome::loaded(token))
        };
        let found = tokens.cache.get_or_load_as(strategy, &1, load).await;
        found.unwrap().source
    };
    assert_eq!(find(CacheStrategy::Fresh).await, Source::Miss);
    assert_eq!(find(CacheStrategy::Refresh).await, Source::Loaded);
    assert_eq!(find(CacheStrategy::Refresh).await, Source::Hit);
    clock.advance(SECOND);
    assert_eq!(find(CacheStrategy::Refresh).await, Source::Loaded);
    assert_eq!(find(CacheStrategy::Bypass).await, Source::Loaded);
}
