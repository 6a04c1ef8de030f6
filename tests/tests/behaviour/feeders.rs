//! DESIGN §4.8: what a feeder is called for, in which order and how often.

mod edges;

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::Hook::{Fed, FedNothing, Hit, Id, Loaded, Miss};
use cache_kit_tests::{Bulk, Diary, Hook, People, Person, person, settle, soon};

/// An entity whose feeder is the derived one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "visit", key = (person, day))]
struct Visit {
    person: String,
    day: u32,
}

struct Visits;

impl Repository<Visit> for Visits {
    async fn fetch_by_id(&self, id: &VisitKey) -> cache_kit::Result<Option<Visit>> {
        Ok(Some(Visit {
            person: id.person.clone(),
            day: id.day,
        }))
    }
}

fn expander() -> CacheExpander<InMemoryBackend> {
    CacheExpander::new(InMemoryBackend::new())
}

async fn calls(
    cache: &CacheExpander<InMemoryBackend>,
    id: u64,
    strategy: CacheStrategy,
) -> Vec<Hook> {
    let mut feeder = Diary::new(id);
    // What the call returns is another test's matter.
    let _ = soon(cache.with(&mut feeder, &Bulk::below(10), strategy)).await;
    feeder.take()
}

#[tokio::test]
async fn each_kind_of_call_calls_a_feeder_in_its_own_order() {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    let rows: &[(&str, u64, CacheStrategy, &[Hook])] = &[
        ("a fresh miss", 1, Fresh, &[Id, Miss, FedNothing]),
        ("a bypass", 1, Bypass, &[Id, Miss, Loaded, Fed]),
        ("a miss", 1, Refresh, &[Id, Miss, Loaded, Fed]),
        ("a hit", 1, Refresh, &[Id, Hit, Loaded, Fed]),
        ("a fresh hit", 1, Fresh, &[Id, Hit, Loaded, Fed]),
        ("a bypass of an entry", 1, Bypass, &[Id, Miss, Loaded, Fed]),
        ("a replaced entry", 1, Invalidate, &[Id, Miss, Loaded, Fed]),
        ("a bypass of nobody", 99, Bypass, &[Id, Miss, FedNothing]),
        ("a miss of nobody", 99, Refresh, &[Id, Miss, FedNothing]),
        ("an absent hit", 99, Refresh, &[Id, Hit, FedNothing]),
        ("a fresh absent hit", 99, Fresh, &[Id, Hit, FedNothing]),
        ("nobody, again", 99, Invalidate, &[Id, Miss, FedNothing]),
    ];
    let cache = expander();
    for (what, id, strategy, wanted) in rows {
        assert_eq!(calls(&cache, *id, *strategy).await, *wanted, "{what}");
    }
}

#[tokio::test]
async fn a_feeder_that_joins_a_load_is_told_what_the_one_that_loads_is_told() {
    let people = People::new(CacheService::new(InMemoryBackend::new()));
    let cache = CacheExpander::from(people.cache.clone());
    people.close_gate();
    let feed = || {
        let (cache, people) = (cache.clone(), people.clone());
        tokio::spawn(async move {
            let mut feeder = Diary::new(1);
            cache
                .with(&mut feeder, &people, CacheStrategy::Refresh)
                .await
                .unwrap();
            feeder
        })
    };
    let (first, second) = (feed(), feed());
    settle().await;
    people.open_gate();
    for task in [first, second] {
        let feeder = soon(task).await.unwrap();
        assert_eq!(feeder.calls, [Id, Miss, Loaded, Fed]);
        assert_eq!(feeder.entity, Some(person(1)));
    }
    assert_eq!(people.loads(), 1);
}

#[tokio::test]
async fn a_call_that_fails_leaves_the_feeder_as_it_was() {
    let cache = expander();
    let down = Bulk::new(|_| Err(Error::RepositoryError("down".into())));
    let strategies = [
        CacheStrategy::Refresh,
        CacheStrategy::Invalidate,
        CacheStrategy::Bypass,
    ];
    for strategy in strategies {
        let mut feeder = Diary::new(1);
        feeder.entity = Some(person(1));
        let fed = cache.with(&mut feeder, &down, strategy).await;
        assert!(matches!(fed, Err(Error::RepositoryError(_))));
        assert_eq!(feeder.take(), [Id, Miss], "{strategy:?}");
        assert_eq!(feeder.entity, Some(person(1)), "{strategy:?}");
    }
}

#[tokio::test]
async fn a_fresh_miss_feeds_nothing_in_place_of_what_was_there() {
    let mut feeder = Diary::new(1);
    feeder.entity = Some(person(1));
    let (cache, bulk) = (expander(), Bulk::below(10));
    let fed = cache.with(&mut feeder, &bulk, CacheStrategy::Fresh);
    assert!(matches!(fed.await, Err(Error::CacheMiss)));
    assert_eq!(feeder.entity, None);
}

#[tokio::test]
async fn a_miss_that_the_repository_reports_is_no_fresh_miss() {
    let mut feeder = Diary::new(1);
    let odd = Bulk::new(|_| Err(Error::CacheMiss));
    let fed = expander()
        .with(&mut feeder, &odd, CacheStrategy::Refresh)
        .await;
    assert!(matches!(fed, Err(Error::CacheMiss)));
    assert_eq!(feeder.take(), [Id, Miss]);
}

/// Wants one person after the other.
struct Next {
    id: u64,
    fed: Vec<Option<Person>>,
}

impl CacheFeed<Person> for Next {
    fn entity_id(&mut self) -> u64 {
        self.id += 1;
        self.id
    }

    fn feed(&mut self, entity: Option<Person>) {
        self.fed.push(entity);
    }

    fn on_miss(&mut self, key: &u64) -> cache_kit::Result<()> {
        assert_eq!(*key, self.id, "the key that it has just named");
        Ok(())
    }
}

#[tokio::test]
async fn a_feeder_may_change_its_key_between_calls() {
    let (cache, bulk) = (expander(), Bulk::below(3));
    let mut feeder = Next {
        id: 0,
        fed: Vec::new(),
    };
    for _ in 0..3 {
        cache
            .with(&mut feeder, &bulk, CacheStrategy::Refresh)
            .await
            .unwrap();
    }
    assert_eq!(feeder.fed, [Some(person(1)), Some(person(2)), None]);
    assert_eq!(bulk.take(), [[1], [2], [3]]);
    assert_eq!(
        cache.service().get::<Person>(&2).await.unwrap().unwrap().id,
        2
    );
}

#[tokio::test]
async fn a_feeder_is_fed_by_each_of_its_calls() {
    let (cache, mut feeder) = (expander(), Diary::new(1));
    let strategy = CacheStrategy::Refresh;
    for hook in [Miss, Hit, Hit] {
        feeder.entity = None;
        cache
            .with(&mut feeder, &Bulk::below(10), strategy)
            .await
            .unwrap();
        assert_eq!(feeder.take(), [Id, hook, Loaded, Fed]);
        assert_eq!(feeder.entity, Some(person(1)));
    }
}

#[tokio::test]
async fn every_kind_of_feeder_is_fed() {
    let (cache, strategy) = (expander(), CacheStrategy::Refresh);
    let mut derived = VisitFeeder::new(VisitKey::new("ada", 3));
    cache.with(&mut derived, &Visits, strategy).await.unwrap();
    assert_eq!(derived.entity.as_ref().unwrap().day, 3);
    let mut generic = GenericFeeder::<Visit>::new(VisitKey::new("ada", 3));
    cache.with(&mut generic, &Visits, strategy).await.unwrap();
    assert_eq!(generic.entity, derived.entity);
    assert_eq!(cache.service().stats().loads, 1, "they share the entry");

    let mut by_hand = Diary::new(1);
    let object: &mut dyn CacheFeed<Person> = &mut by_hand;
    cache
        .with(object, &Bulk::below(10), strategy)
        .await
        .unwrap();
    assert_eq!(by_hand.entity, Some(person(1)));
    let mut boxed: Box<dyn CacheFeed<Person>> = Box::new(Next {
        id: 0,
        fed: Vec::new(),
    });
    cache
        .with(&mut *boxed, &Bulk::below(10), strategy)
        .await
        .unwrap();
    assert_eq!(boxed.entity_id(), 2, "it was asked once before");
}

#[tokio::test]
async fn a_fed_entity_is_the_feeders_own() {
    let (cache, strategy) = (expander(), CacheStrategy::Refresh);
    for _ in 0..2 {
        let mut feeder = GenericFeeder::<Person>::new(1);
        cache
            .with(&mut feeder, &Bulk::below(10), strategy)
            .await
            .unwrap();
        let mut entity = feeder.entity.unwrap();
        assert_eq!(entity, person(1));
        entity.name.push_str(", changed");
    }
}

#[tokio::test]
async fn a_dropped_call_has_not_fed_and_hands_its_load_over() {
    let people = People::new(CacheService::new(InMemoryBackend::new()));
    let cache = CacheExpander::from(people.cache.clone());
    let strategy = CacheStrategy::Refresh;
    people.close_gate();
    let (mut dropped, mut other) = (Diary::new(1), Diary::new(1));
    {
        let mut call = Box::pin(cache.with(&mut dropped, &people, strategy));
        assert!(futures::poll!(call.as_mut()).is_pending());
        while people.loads() == 0 {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
        let mut waiting = Box::pin(cache.with(&mut other, &people, strategy));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        drop(call);
        people.open_gate();
        soon(waiting).await.unwrap();
    }
    assert_eq!((dropped.take(), dropped.entity), (vec![Id, Miss], None));
    assert_eq!(other.take(), [Id, Miss, Loaded, Fed]);
    assert_eq!(people.loads(), 2, "the other one loads for itself");
}
