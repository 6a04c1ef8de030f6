//! Feeders of two entities, hooks that fail, retries at their limits, panics.

use cache_kit::prelude::*;
use cache_kit::{Error, Result, Retry};
use cache_kit_tests::{Hermit, Person, RepositoryError, Shy, soon};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// Fails so many times, for now.
#[derive(Default)]
struct Shaky {
    failures: usize,
    calls: AtomicUsize,
}

impl Repository<Person> for Shaky {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call < self.failures {
            Err(Error::transient("not now"))
        } else {
            Ok(Some(person(*id)))
        }
    }
}

struct Refusing;

impl CacheFeed<Person> for Refusing {
    fn entity_id(&mut self) -> u64 {
        1
    }

    fn feed(&mut self, _: Option<Person>) {
        panic!("fed, though its hook ended the call");
    }

    fn on_miss(&mut self, _: &u64) -> Result<()> {
        Err(Error::Timeout) // of a rate limiter, say
    }
}

#[tokio::test]
async fn a_hook_that_fails_ends_the_call_whatever_it_fails_with() {
    let (cache, people) = (memory(), Shaky::default());
    let config = OperationConfig::new().with_retry(3);
    let outcome = cache
        .execute_with(&mut Refusing, &people, CacheStrategy::Refresh, config)
        .await;
    assert!(matches!(outcome, Err(Error::Timeout)), "{outcome:?}");
    assert_eq!(people.calls.load(Ordering::SeqCst), 0, "asked all the same");
}

#[tokio::test(start_paused = true)]
async fn a_load_is_retried_as_often_as_was_said_and_not_more() {
    let cache = memory();
    let people = Shaky {
        failures: 100,
        ..Shaky::default()
    };
    let mut feeder = GenericFeeder::<Person>::new(1);
    let config = OperationConfig::new().with_retry(3);
    cache
        .execute_with(&mut feeder, &people, CacheStrategy::Refresh, config)
        .await
        .unwrap_err();
    assert_eq!(people.calls.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn fresh_never_loads_even_where_the_key_cannot_be() {
    let cache = memory();
    let load = || async { Err::<Option<Hermit>, _>(RepositoryError) };
    let found = cache
        .get_or_load_with(CacheStrategy::Fresh, &Shy(3), load)
        .await;
    assert_eq!(found, Ok(None));
    assert_eq!(cache.stats().loads, 0);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "chair", key = id)]
struct Chair {
    id: u64,
}

/// Takes whatever there is.
struct Both(&'static str);

impl CacheFeed<Person> for Both {
    fn entity_id(&mut self) -> u64 {
        1
    }
    fn feed(&mut self, _: Option<Person>) {}
}

impl CacheFeed<Chair> for Both {
    fn entity_id(&mut self) -> u64 {
        1
    }
    fn feed(&mut self, _: Option<Chair>) {}
}

#[test]
fn a_feeder_of_two_entities_is_registered_for_each() {
    let one = CacheRegistry::builder(memory())
        .feeder::<Person, _>(|_| Both("person"))
        .build()
        .unwrap();
    assert!(one.feeder::<Chair, Both>(1).is_err(), "of another entity");
    let both = CacheRegistry::builder(memory())
        .feeder::<Person, _>(|_| Both("person"))
        .feeder::<Chair, _>(|_| Both("chair"))
        .build()
        .unwrap();
    assert_eq!(both.feeder::<Person, Both>(1).unwrap().0, "person");
    assert_eq!(both.feeder::<Chair, Both>(1).unwrap().0, "chair");
}

/// One repository of two entities with one type of key.
#[derive(Clone, Copy)]
struct House;

impl Repository<Person> for House {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        Ok(Some(person(*id)))
    }
}

impl Repository<Chair> for House {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Chair>> {
        Ok(Some(Chair { id: *id }))
    }
}

#[tokio::test]
async fn a_repository_of_two_entities_needs_no_more_words() {
    let cache = memory();
    let mut feeder = GenericFeeder::<Chair>::new(1);
    cache
        .execute(&mut feeder, &House, CacheStrategy::Refresh)
        .await
        .unwrap();
    assert!(feeder.entity.is_some());
    let shared: Arc<dyn DataRepository<Chair>> = Arc::new(House);
    cache
        .execute(&mut feeder, &shared, CacheStrategy::Refresh)
        .await
        .unwrap();
    let arc = Arc::new(House);
    cache
        .execute(&mut feeder, &arc, CacheStrategy::Refresh)
        .await
        .unwrap();
    assert!(cache.load_many::<Person, _>(&[1], &House).await[0].is_ok());
}

#[tokio::test(start_paused = true)]
async fn extremes_of_a_retry_do_not_panic() {
    for retry in [
        Retry::new(3)
            .first_delay(Duration::MAX)
            .max_delay(Duration::MAX),
        Retry::new(3)
            .first_delay(Duration::MAX)
            .max_delay(Duration::MAX)
            .deadline(Duration::MAX),
        Retry::new(u32::MAX)
            .first_delay(Duration::ZERO)
            .deadline(Duration::MAX),
    ] {
        let people = Shaky {
            failures: 1,
            ..Shaky::default()
        };
        let mut feeder = GenericFeeder::<Person>::new(1);
        let config = OperationConfig::new().with_retry(retry);
        let cache = memory();
        let work = cache.execute_with(&mut feeder, &people, CacheStrategy::Refresh, config);
        let _ = tokio::time::timeout(Duration::from_secs(1), work).await;
    }
}

#[test]
fn without_a_timer_nothing_is_waited_for_but_what_must_be() {
    // No `enable_time`.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let cache = memory();
        let mut feeder = GenericFeeder::<Person>::new(1);
        cache
            .execute(&mut feeder, &Shaky::default(), CacheStrategy::Refresh)
            .await
            .unwrap();
        cache
            .load_many(&[1, 2, 3], &House as &dyn DataRepository<Person>)
            .await;
    });
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

/// Compiles, and that is the test.
#[expect(dead_code, reason = "compiles")]
fn every_future_is_send<B, T, F, R>(
    cache: &CacheService<B>,
    feeder: &mut F,
    repository: &Arc<R>,
    keys: &[T::Key],
) where
    B: CacheBackend,
    T: CacheEntity,
    F: CacheFeed<T> + ?Sized + 'static,
    R: DataRepository<T> + ?Sized + 'static,
{
    let config = OperationConfig::new();
    drop(is_send(cache.execute(
        feeder,
        &**repository,
        CacheStrategy::Refresh,
    )));
    drop(is_send(cache.execute_with(
        feeder,
        &**repository,
        CacheStrategy::Refresh,
        config.clone(),
    )));
    drop(is_send(cache.load_many::<T, R>(keys, repository)));
    drop(is_send(cache.get_many::<T>(keys)));
    let expander = CacheExpander::from(cache.clone());
    drop(is_send(expander.with(
        feeder,
        &**repository,
        CacheStrategy::Refresh,
    )));
    drop(is_send(expander.with_config(
        feeder,
        &**repository,
        CacheStrategy::Refresh,
        config,
    )));
    drop(is_send(expander.with_shared(
        feeder,
        Arc::clone(repository),
        CacheStrategy::Refresh,
    )));
    if let Ok(registry) = CacheRegistry::builder(cache.clone()).build() {
        drop(is_send(registry.with(feeder, CacheStrategy::Refresh)));
        drop(is_send(registry.fetch_many::<T>(keys)));
        drop(is_send(registry.fetch::<T>(&keys[0])));
    }
}

/// One that has a panic at every turn leaves nothing behind that hangs.
#[tokio::test]
async fn panics_hang_nobody() {
    struct Panics(&'static str);
    impl CacheFeed<Person> for Panics {
        fn entity_id(&mut self) -> u64 {
            assert!(self.0 != "entity_id");
            1
        }
        fn feed(&mut self, _: Option<Person>) {
            assert!(self.0 != "feed");
        }
        fn on_hit(&mut self, _: &u64) -> Result<()> {
            assert!(self.0 != "on_hit");
            Ok(())
        }
        fn on_miss(&mut self, _: &u64) -> Result<()> {
            assert!(self.0 != "on_miss");
            Ok(())
        }
        fn on_loaded(&mut self, _: &Person) -> Result<()> {
            assert!(self.0 != "on_loaded");
            Ok(())
        }
    }
    let cache = memory();
    for at in ["entity_id", "feed", "on_hit", "on_miss", "on_loaded"] {
        for _ in 0..2 {
            let cache = cache.clone();
            let call = tokio::spawn(async move {
                let people = Shaky::default();
                let mut feeder = Panics(at);
                cache
                    .execute(&mut feeder, &people, CacheStrategy::Refresh)
                    .await
            });
            drop(soon(call).await);
        }
        cache.invalidate::<Person>(&1).await.unwrap();
        let load = || async { Ok::<_, Error>(Some(person(1))) };
        soon(cache.get_or_load(&1, load)).await.unwrap();
        cache.invalidate::<Person>(&1).await.unwrap();
    }
}
