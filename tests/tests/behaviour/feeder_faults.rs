//! Feeders that fail or panic: the fault is their own caller's, the cache and everyone else go on.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::Hook::{Fed, FedNothing, Hit, Id, Loaded, Miss};
use cache_kit_tests::{Bulk, Diary, Fault, Hook, People, Person, person, settle, soon};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

type Expander = CacheExpander<InMemoryBackend>;

fn expander() -> Expander {
    CacheExpander::new(InMemoryBackend::new())
}

fn fails() -> Fault {
    Fault::Fails(Error::ValidationError("not today".into()))
}

/// Feeds; a panic is the `Err` without a cause.
async fn feed(cache: &Expander, feeder: &mut Diary, strategy: CacheStrategy) -> Result<(), String> {
    let bulk = Bulk::below(10);
    let fed = AssertUnwindSafe(cache.with(feeder, &bulk, strategy)).catch_unwind();
    match soon(fed).await {
        Ok(fed) => fed.map_err(|error| error.to_string()),
        Err(_) => Err("panic".to_owned()),
    }
}

/// Another feeder gets what it wants, with what it costs.
async fn assert_goes_on(cache: &Expander, hook: Hook, what: &str) {
    let mut feeder = Diary::new(1);
    let fed = feed(cache, &mut feeder, CacheStrategy::Refresh).await;
    assert_eq!(fed, Ok(()), "{what}");
    assert_eq!(feeder.calls[1], hook, "{what}");
    assert_eq!(feeder.entity, Some(person(1)), "{what}");
}

#[tokio::test]
async fn a_hook_that_fails_is_the_callers_error_and_what_was_loaded_is_stored() {
    let rows = [
        (Miss, vec![Id, Miss], Miss, "nobody was asked"),
        (Loaded, vec![Id, Miss, Loaded], Hit, "it was stored before"),
    ];
    for strategy in [CacheStrategy::Refresh, CacheStrategy::Invalidate] {
        for (hook, calls, next, what) in &rows {
            let cache = expander();
            let mut feeder = Diary::new(1).with_fault(*hook, fails());
            let fed = feed(&cache, &mut feeder, strategy).await;
            assert_eq!(fed, Err("entity is not valid: not today".to_owned()));
            assert_eq!((&feeder.take(), &feeder.entity), (calls, &None), "{what}");
            assert_goes_on(&cache, *next, what).await;
        }
    }
}

#[tokio::test]
async fn a_hook_that_fails_on_a_hit_leaves_the_entry() {
    for strategy in [CacheStrategy::Refresh, CacheStrategy::Fresh] {
        for (hook, calls) in [(Hit, vec![Id, Hit]), (Loaded, vec![Id, Hit, Loaded])] {
            let cache = expander();
            cache.service().put(person(1)).await.unwrap();
            let mut feeder = Diary::new(1).with_fault(hook, fails());
            let fed = feed(&cache, &mut feeder, strategy).await;
            assert_eq!(fed, Err("entity is not valid: not today".to_owned()));
            assert_eq!((feeder.take(), feeder.entity), (calls, None), "{hook:?}");
            assert_goes_on(&cache, Hit, "the entry is there").await;
            assert_eq!(cache.service().stats().loads, 0);
        }
    }
}

#[tokio::test]
async fn a_miss_hook_that_fails_ends_a_bypass_and_a_fresh_call_too() {
    for strategy in [CacheStrategy::Bypass, CacheStrategy::Fresh] {
        let cache = expander();
        let mut feeder = Diary::new(1).with_fault(Miss, fails());
        assert!(feed(&cache, &mut feeder, strategy).await.is_err());
        assert_eq!(feeder.take(), [Id, Miss], "{strategy:?}");
        assert_eq!(cache.service().stats().loads, 0);
    }
}

/// Errors that mean something when they come from elsewhere.
#[tokio::test]
async fn a_hooks_error_is_not_taken_for_the_caches() {
    let cache = expander();
    cache.service().put(person(1)).await.unwrap();
    for error in [
        Error::CacheMiss,
        Error::Timeout,
        Error::BackendError("x".into()),
    ] {
        let (strategy, bulk) = (CacheStrategy::Fresh, Bulk::below(10));
        let mut feeder = Diary::new(1).with_fault(Hit, Fault::Fails(error.clone()));
        feeder.entity = Some(person(7));
        let config = OperationConfig::new().with_retry(3);
        let fed = cache.with_config(&mut feeder, &bulk, strategy, config);
        assert_eq!(fed.await.unwrap_err().to_string(), error.to_string());
        assert_eq!(
            feeder.take(),
            [Id, Hit],
            "{error}: called once, and not fed"
        );
        assert_eq!(feeder.entity, Some(person(7)), "{error}");
    }
}

/// A feeder that goes wrong and one that does not, on one flight; the first one leads it if it is
/// to.
async fn on_one_flight(hook: Hook, fault: Fault, is_leader: bool) -> Result<(), String> {
    let people = People::new(CacheService::new(InMemoryBackend::new()));
    let cache = CacheExpander::from(people.cache.clone());
    people.close_gate();
    let spawn = |mut feeder: Diary| {
        let (cache, people) = (cache.clone(), people.clone());
        tokio::spawn(async move {
            let fed = cache.with(&mut feeder, &people, CacheStrategy::Refresh);
            fed.await.map(|()| feeder.entity)
        })
    };
    let bad = Diary::new(1).with_fault(hook, fault);
    let (bad, good) = if is_leader {
        (spawn(bad), spawn(Diary::new(1)))
    } else {
        let good = spawn(Diary::new(1));
        (spawn(bad), good)
    };
    settle().await;
    people.open_gate();
    let good = soon(good).await.unwrap();
    assert_eq!(good.unwrap(), Some(person(1)), "{hook:?}");
    assert!(people.cache.get::<Person>(&1).await.unwrap().is_some());
    assert_eq!(people.loads(), 1, "{hook:?}");
    match soon(bad).await {
        Ok(fed) => fed.map(drop).map_err(|error| error.to_string()),
        Err(error) if error.is_panic() => Err("panic".to_owned()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn others_on_the_flight_are_not_harmed_by_a_feeder_that_goes_wrong() {
    for is_leader in [true, false] {
        for hook in [Miss, Loaded] {
            let ended = on_one_flight(hook, fails(), is_leader).await;
            assert_eq!(ended, Err("entity is not valid: not today".to_owned()));
        }
        for hook in [Id, Miss, Loaded, Fed] {
            let ended = on_one_flight(hook, Fault::Panics, is_leader).await;
            assert_eq!(ended, Err("panic".to_owned()), "{hook:?}");
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_feeder_reaches_its_caller_only() {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    let rows = [
        (Id, 1, Refresh, vec![Id], Miss),
        (Miss, 1, Refresh, vec![Id, Miss], Miss),
        (Miss, 1, Bypass, vec![Id, Miss], Miss),
        (Miss, 1, Fresh, vec![Id, Miss], Miss),
        (Loaded, 1, Refresh, vec![Id, Miss, Loaded], Hit),
        (Loaded, 1, Invalidate, vec![Id, Miss, Loaded], Hit),
        (Fed, 1, Refresh, vec![Id, Miss, Loaded, Fed], Hit),
        (FedNothing, 99, Refresh, vec![Id, Miss, FedNothing], Miss),
        (FedNothing, 1, Fresh, vec![Id, Miss, FedNothing], Miss),
    ];
    for (hook, id, strategy, calls, next) in rows {
        let (cache, what) = (expander(), format!("{hook:?} under {strategy:?}"));
        let mut feeder = Diary::new(id).with_fault(hook, Fault::Panics);
        let fed = feed(&cache, &mut feeder, strategy).await;
        assert_eq!(fed, Err("panic".to_owned()), "{what}");
        assert_eq!(feeder.take(), calls, "{what}");
        assert_goes_on(&cache, next, &what).await;
    }
}

#[tokio::test]
async fn a_panic_on_a_hit_leaves_the_entry() {
    for hook in [Hit, Loaded, Fed] {
        let cache = expander();
        cache.service().put(person(1)).await.unwrap();
        let mut feeder = Diary::new(1).with_fault(hook, Fault::Panics);
        let fed = feed(&cache, &mut feeder, CacheStrategy::Refresh).await;
        assert_eq!(fed, Err("panic".to_owned()));
        assert_goes_on(&cache, Hit, "the entry is there").await;
    }
}

#[tokio::test]
async fn a_feeder_that_went_wrong_may_be_fed_again() {
    let cache = expander();
    for fault in [fails(), Fault::Panics] {
        let mut feeder = Diary::new(1).with_fault(Loaded, fault);
        assert!(
            feed(&cache, &mut feeder, CacheStrategy::Refresh)
                .await
                .is_err()
        );
        feeder.fault = None;
        let fed = feed(&cache, &mut feeder, CacheStrategy::Refresh).await;
        assert_eq!((fed, feeder.entity), (Ok(()), Some(person(1))));
    }
}

/// An entity whose clone panics while the flag is up: a hit is cloned to be fed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Brittle(u64);

static BREAKS: AtomicBool = AtomicBool::new(false);

impl Clone for Brittle {
    fn clone(&self) -> Self {
        assert!(!BREAKS.load(Ordering::SeqCst), "it breaks");
        Self(self.0)
    }
}

impl CacheEntity for Brittle {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.0
    }

    fn cache_prefix() -> &'static str {
        "brittle"
    }
}

struct Brittles;

impl Repository<Brittle> for Brittles {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Brittle>> {
        Ok(Some(Brittle(*id)))
    }
}

#[tokio::test]
async fn an_entity_whose_clone_panics_harms_one_caller() {
    let cache = expander();
    cache.service().put(Brittle(1)).await.unwrap();
    BREAKS.store(true, Ordering::SeqCst);
    let mut feeder = GenericFeeder::<Brittle>::new(1);
    let fed = cache.with(&mut feeder, &Brittles, CacheStrategy::Refresh);
    assert!(AssertUnwindSafe(fed).catch_unwind().await.is_err());
    assert_eq!(feeder.entity, None);
    BREAKS.store(false, Ordering::SeqCst);
    let fed = cache.with(&mut feeder, &Brittles, CacheStrategy::Refresh);
    soon(fed).await.unwrap();
    assert_eq!(feeder.entity, Some(Brittle(1)));
}
