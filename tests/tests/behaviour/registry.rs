//! DESIGN §3: a registry knows where each entity comes from, and refuses what it cannot know twice.

use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Bulk, Diary, Hook, Person, RecordingMetrics, event_names, person};
use std::sync::Arc;

/// An entity that is registered by nobody, or by those who want to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "loan", key = id)]
struct Loan {
    id: u64,
}

/// An entity that claims the prefix of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "loan", key = id)]
struct Impostor {
    id: u64,
}

/// Has every entity of an id below 10.
struct Shelf;

impl Repository<Loan> for Shelf {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Loan>> {
        Ok((*id < 10).then_some(Loan { id: *id }))
    }
}

impl Repository<Impostor> for Shelf {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Impostor>> {
        Ok((*id < 10).then_some(Impostor { id: *id }))
    }
}

fn cache() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

fn registry() -> CacheRegistry<InMemoryBackend> {
    CacheRegistry::builder(cache())
        .repository::<Person>(Bulk::below(10))
        .repository::<Loan>(Shelf)
        .feeder::<Person, _>(Diary::new)
        .feeder::<Loan, _>(LoanFeeder::new)
        .build()
        .unwrap()
}

fn config_fault<T>(answer: cache_kit::Result<T>) -> String {
    match answer {
        Err(Error::ConfigError(cause)) => cause.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it is accepted"),
    }
}

#[tokio::test]
async fn fetch_reads_through_the_cache() {
    let registry = registry();
    for _ in 0..2 {
        let found = registry.fetch::<Person>(&1).await.unwrap();
        assert_eq!(found.as_deref(), Some(&person(1)));
        assert_eq!(registry.fetch::<Person>(&99).await.unwrap(), None);
    }
    let loan = registry.fetch::<Loan>(&1).await.unwrap().unwrap();
    assert_eq!(loan.id, 1, "each entity has its own repository");
    assert_eq!(registry.service().stats().loads, 3);
    let cached = registry.service().get::<Person>(&1).await.unwrap();
    assert_eq!(cached.as_deref(), Some(&person(1)));
}

#[tokio::test]
async fn fetch_many_answers_in_the_order_asked_with_duplicates() {
    let registry = registry();
    registry.fetch::<Person>(&2).await.unwrap();
    let found = registry.fetch_many::<Person>(&[3, 99, 2, 3]).await;
    let ids = found
        .into_iter()
        .map(|found| found.unwrap().map(|person| person.id));
    let ids: Vec<_> = ids.collect();
    assert_eq!(ids, [Some(3), None, Some(2), Some(3)]);
    assert_eq!(registry.service().stats().loads, 2);
}

#[tokio::test]
async fn with_feeds_what_the_registered_feeder_wants() {
    let registry = registry();
    let mut feeder: Diary = registry.feeder::<Person, _>(3).unwrap();
    registry
        .with(&mut feeder, CacheStrategy::Refresh)
        .await
        .unwrap();
    let calls = [Hook::Id, Hook::Miss, Hook::Loaded, Hook::Fed];
    assert_eq!(feeder.take(), calls);
    assert_eq!(feeder.entity, Some(person(3)));
    let mut unregistered = GenericFeeder::<Loan>::new(3);
    registry
        .with(&mut unregistered, CacheStrategy::Bypass)
        .await
        .unwrap();
    assert_eq!(unregistered.entity, Some(Loan { id: 3 }));
}

#[tokio::test]
async fn a_registered_repository_is_returned_to_those_who_ask() {
    let registry = registry();
    let people: Arc<dyn DataRepository<Person>> = registry.repository::<Person>().unwrap();
    assert_eq!(people.load(&1).await.unwrap(), Some(person(1)));
    let mut feeder = GenericFeeder::<Person>::new(1);
    registry
        .service()
        .execute(&mut feeder, &*people, CacheStrategy::Refresh)
        .await
        .unwrap();
    assert_eq!(feeder.entity, Some(person(1)));
}

#[tokio::test]
async fn what_is_not_registered_is_named() {
    let registry = CacheRegistry::builder(cache()).build().unwrap();
    let mut feeder = GenericFeeder::<Loan>::new(1);
    feeder.entity = Some(Loan { id: 7 });
    let mut faults = vec![
        config_fault(registry.fetch::<Loan>(&1).await),
        config_fault(registry.with(&mut feeder, CacheStrategy::Fresh).await),
        config_fault(registry.repository::<Loan>().map(drop)),
    ];
    assert_eq!(feeder.entity, Some(Loan { id: 7 }), "it is left as it was");
    for found in registry.fetch_many::<Loan>(&[1, 2]).await {
        faults.push(config_fault(found));
    }
    assert_eq!(faults.len(), 5);
    for fault in faults {
        let is_named = fault.contains("no repository") && fault.contains("registry::Loan");
        assert!(is_named, "{fault}");
    }
    let fault = config_fault(registry.feeder::<Loan, LoanFeeder>(1).map(drop));
    let is_named = fault.contains("no feeder") && fault.contains("registry::LoanFeeder");
    assert!(is_named, "{fault}");
    assert!(registry.fetch_many::<Loan>(&[]).await.is_empty());
}

#[test]
fn everything_that_is_registered_twice_is_in_one_error() {
    let built = CacheRegistry::builder(cache())
        .repository::<Person>(Bulk::below(1))
        .feeder::<Person, _>(Diary::new)
        .repository::<Loan>(Shelf)
        .repository::<Person>(Bulk::below(2))
        .feeder::<Person, _>(Diary::new)
        .repository::<Impostor>(Shelf)
        .build();
    let fault = config_fault(built.map(drop));
    for part in [
        "two repositories",
        "people::Person",
        "diary::Diary",
        "registered twice",
        "prefix `loan`",
        "registry::Loan",
        "registry::Impostor",
    ] {
        assert!(fault.contains(part), "{part} is not in: {fault}");
    }
}

#[test]
fn an_entity_whose_prefix_the_cache_knows_by_another_is_refused() {
    let cache = cache();
    futures::executor::block_on(cache.put(Loan { id: 1 })).unwrap();
    let built = CacheRegistry::builder(cache)
        .repository::<Impostor>(Shelf)
        .build();
    assert!(config_fault(built.map(drop)).contains("registry::Impostor"));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ephemeral(u64);

impl CacheEntity for Ephemeral {
    type Key = u64;

    fn cache_key(&self) -> u64 {
        self.0
    }

    fn cache_prefix() -> &'static str {
        "ephemeral"
    }

    fn lifetime() -> Lifetime {
        Lifetime::new().with_ttl(std::time::Duration::ZERO)
    }
}

impl Repository<Ephemeral> for Shelf {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Ephemeral>> {
        Ok(Some(Ephemeral(*id)))
    }
}

#[test]
fn an_entity_whose_declaration_cannot_work_is_refused() {
    let built = CacheRegistry::builder(cache())
        .repository::<Ephemeral>(Shelf)
        .build();
    assert!(config_fault(built.map(drop)).contains("`ttl` is zero"));
}

#[test]
fn one_entity_may_have_several_feeders() {
    let registry = CacheRegistry::builder(cache())
        .feeder::<Person, _>(Diary::new)
        .feeder::<Person, _>(GenericFeeder::<Person>::new)
        .build()
        .unwrap();
    assert_eq!(registry.feeder::<Person, Diary>(3).unwrap().id, 3);
    let generic: GenericFeeder<Person> = registry.feeder(4).unwrap();
    assert_eq!(generic.id, 4);
}

/// Feeds on two entities, whose keys are of one type.
struct Omnivore {
    id: u64,
    fed: usize,
}

impl CacheFeed<Loan> for Omnivore {
    fn entity_id(&mut self) -> u64 {
        self.id
    }

    fn feed(&mut self, _: Option<Loan>) {
        self.fed += 1;
    }
}

impl CacheFeed<Person> for Omnivore {
    fn entity_id(&mut self) -> u64 {
        self.id
    }

    fn feed(&mut self, _: Option<Person>) {
        self.fed += 1;
    }
}

#[tokio::test]
async fn one_feeder_may_be_registered_for_several_entities() {
    let only_loans = CacheRegistry::builder(cache())
        .feeder::<Loan, _>(|id| Omnivore { id, fed: 0 })
        .build()
        .unwrap();
    let answer = only_loans.feeder::<Person, Omnivore>(1);
    assert!(config_fault(answer.map(drop)).contains("Omnivore"));
    let both = CacheRegistry::builder(cache())
        .repository::<Loan>(Shelf)
        .feeder::<Loan, _>(|id| Omnivore { id, fed: 0 })
        .feeder::<Person, _>(|id| Omnivore {
            id: id + 100,
            fed: 0,
        })
        .build()
        .unwrap();
    assert_eq!(both.feeder::<Person, Omnivore>(1).unwrap().id, 101);
    let mut feeder = both.feeder::<Loan, Omnivore>(1).unwrap();
    let fed = both.with::<Loan, _>(&mut feeder, CacheStrategy::Refresh);
    fed.await.unwrap();
    assert_eq!((feeder.id, feeder.fed), (1, 1));
}

#[tokio::test]
async fn clones_share_entries_counts_and_registrations() {
    let metrics = RecordingMetrics::default();
    let cache = CacheService::builder(InMemoryBackend::new())
        .metrics(metrics.clone())
        .build()
        .unwrap();
    let registry = CacheRegistry::builder(cache)
        .repository::<Person>(Bulk::below(10))
        .build()
        .unwrap();
    let clone = registry.clone();
    registry.fetch::<Person>(&1).await.unwrap();
    clone.fetch::<Person>(&1).await.unwrap();
    let wanted = ["miss", "load:found", "fill", "hit"];
    assert_eq!(metrics.take(), event_names(&wanted));
    assert_eq!(clone.service().stats(), registry.service().stats());
    let (one, other) = (
        registry.repository::<Person>(),
        clone.repository::<Person>(),
    );
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}

#[tokio::test]
async fn debug_names_the_types_and_shows_no_keys_and_no_values() {
    let builder = CacheRegistry::builder(cache()).repository::<Person>(Bulk::below(10));
    assert!(format!("{builder:?}").contains("people::Person"));
    let registry = registry();
    registry.fetch::<Person>(&7).await.unwrap();
    let shown = format!("{registry:?}");
    for name in ["people::Person", "registry::Loan", "Diary", "LoanFeeder"] {
        assert!(shown.contains(name), "{name} is not in: {shown}");
    }
    assert!(
        !shown.contains("person 7") && !shown.contains('7'),
        "{shown}"
    );
}
