//! DESIGN §3: classes of callers share one entry, and each sees it no older than its own TTL.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

mod flights;
mod limits;

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, Found, ManualClock};
use cache_kit_tests::{Bulk, People, Person, RecordingMetrics, event_names, person, soon};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TICK: Duration = Duration::from_nanos(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What the guide's policy says of roles, with one that is never shown what is cached.
fn by_role() -> TtlPolicy {
    TtlPolicy::PerType(Box::new(|class| match class {
        "admin" => MINUTE * 120,
        "guest" => MINUTE * 5,
        "visitor" => MINUTE / 3,
        "auditor" => Duration::ZERO,
        _ => MINUTE * 60,
    }))
}

fn memory(clock: &ManualClock) -> InMemoryBackend {
    InMemoryBackend::builder().clock(clock).build().unwrap()
}

fn under<B: CacheBackend>(policy: TtlPolicy, backend: B) -> CacheService<B> {
    CacheService::builder(backend)
        .ttl_policy(policy)
        .build()
        .unwrap()
}

/// The rows, which nothing but `write_behind` changes. The cache they hold is not used.
fn rows() -> People {
    People::new(CacheService::new(InMemoryBackend::new()))
}

async fn ask<B: CacheBackend>(
    cache: &CacheService<B>,
    people: &People,
    class: &'static str,
    id: u64,
) -> Option<String> {
    let mut feeder = GenericFeeder::<Person>::new(id);
    let config = OperationConfig::new().ttl_class(class);
    let strategy = CacheStrategy::Refresh;
    let fed = cache.execute_with(&mut feeder, people, strategy, config);
    soon(fed).await.unwrap();
    feeder.entity.map(|person| person.name)
}

#[tokio::test]
async fn per_type_is_asked_with_the_class() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let policy = TtlPolicy::PerType(Box::new(move |class| {
        seen.lock().unwrap().push(class.to_owned());
        MINUTE
    }));
    let cache = under(policy, InMemoryBackend::new());
    ask(&cache, &rows(), "guest", 1).await;
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(asked, ["guest", "guest"], "for the age and for the entry");
}

async fn an_entry_is_a_miss_to_those_it_is_too_old_for<B: CacheBackend>(
    cache: CacheService<B>,
    clock: ManualClock,
) {
    let people = rows();
    let old = Some("person 1".to_owned());
    assert_eq!(ask(&cache, &people, "admin", 1).await, old);
    people.write_behind(1, "new");
    clock.advance(MINUTE * 5 - TICK);
    assert_eq!(ask(&cache, &people, "guest", 1).await, old, "young enough");
    assert_eq!(people.loads(), 1, "all classes share one entry");
    clock.advance(TICK);
    assert_eq!(ask(&cache, &people, "admin", 1).await, old);
    assert_eq!(people.loads(), 1);
    let new = Some("new".to_owned());
    assert_eq!(ask(&cache, &people, "guest", 1).await, new, "too old");
    assert_eq!(people.loads(), 2);
    assert_eq!(
        ask(&cache, &people, "admin", 1).await,
        new,
        "it is replaced"
    );
    assert_eq!(people.loads(), 2);
    // The entry is the one that the guest stored, for as long as a guest's live.
    clock.advance(MINUTE * 5 - TICK);
    assert_eq!(ask(&cache, &people, "admin", 1).await, new);
    assert_eq!(people.loads(), 2);
    clock.advance(TICK);
    assert_eq!(ask(&cache, &people, "admin", 1).await, new);
    assert_eq!(people.loads(), 3);
    clock.advance(MINUTE * 120 - TICK);
    assert_eq!(ask(&cache, &people, "admin", 1).await, new);
    assert_eq!(people.loads(), 3, "an admin's lives longer");
}

#[tokio::test]
async fn an_entry_is_a_miss_to_those_it_is_too_old_for_in_memory() {
    let clock = ManualClock::new();
    let cache = under(by_role(), memory(&clock));
    an_entry_is_a_miss_to_those_it_is_too_old_for(cache, clock).await;
}

#[tokio::test]
async fn an_entry_is_a_miss_to_those_it_is_too_old_for_over_bytes() {
    let clock = ManualClock::new();
    let cache = under(by_role(), ByteBackend::new(&clock));
    an_entry_is_a_miss_to_those_it_is_too_old_for(cache, clock).await;
}

async fn an_absence_is_a_miss_to_those_it_is_too_old_for<B: CacheBackend>(
    cache: CacheService<B>,
    clock: ManualClock,
) {
    let people = rows();
    assert_eq!(ask(&cache, &people, "admin", 99).await, None);
    clock.advance(MINUTE / 3 - TICK);
    assert_eq!(ask(&cache, &people, "visitor", 99).await, None);
    assert_eq!(people.loads(), 1, "the absence is young enough");
    clock.advance(TICK);
    assert_eq!(ask(&cache, &people, "guest", 99).await, None);
    assert_eq!(people.loads(), 1);
    people.write_behind(99, "born");
    let born = Some("born".to_owned());
    assert_eq!(ask(&cache, &people, "visitor", 99).await, born, "too old");
    assert_eq!(ask(&cache, &people, "guest", 99).await, born, "replaced");
    assert_eq!(people.loads(), 2);
}

#[tokio::test]
async fn an_absence_is_a_miss_to_those_it_is_too_old_for_everywhere() {
    let clock = ManualClock::new();
    let cache = under(by_role(), memory(&clock));
    an_absence_is_a_miss_to_those_it_is_too_old_for(cache, clock).await;
    let clock = ManualClock::new();
    let cache = under(by_role(), ByteBackend::new(&clock));
    an_absence_is_a_miss_to_those_it_is_too_old_for(cache, clock).await;
}

async fn a_fresh_read_of_what_is_too_old_is_a_miss<B: CacheBackend>(
    cache: CacheService<B>,
    clock: ManualClock,
) {
    let people = rows();
    ask(&cache, &people, "admin", 1).await;
    clock.advance(MINUTE * 5);
    let mut feeder = GenericFeeder::<Person>::new(1);
    feeder.entity = Some(person(7));
    let fresh = CacheStrategy::Fresh;
    let config = |class| OperationConfig::new().ttl_class(class);
    let fed = cache.execute_with(&mut feeder, &people, fresh, config("guest"));
    assert!(matches!(soon(fed).await, Err(Error::CacheMiss)));
    assert_eq!(feeder.entity, None, "a `Fresh` miss feeds `None`");
    let fed = cache.execute_with(&mut feeder, &people, fresh, config("admin"));
    soon(fed).await.unwrap();
    assert_eq!(feeder.entity, Some(person(1)), "the entry is still there");
    assert_eq!(people.loads(), 1);
}

#[tokio::test]
async fn a_fresh_read_of_what_is_too_old_is_a_miss_everywhere() {
    let clock = ManualClock::new();
    let cache = under(by_role(), memory(&clock));
    a_fresh_read_of_what_is_too_old_is_a_miss(cache, clock).await;
    let clock = ManualClock::new();
    let cache = under(by_role(), ByteBackend::new(&clock));
    a_fresh_read_of_what_is_too_old_is_a_miss(cache, clock).await;
}

#[tokio::test]
async fn a_class_that_nothing_is_stored_for_is_shown_nothing_that_is_stored() {
    let clock = ManualClock::new();
    let (cache, people) = (under(by_role(), memory(&clock)), rows());
    ask(&cache, &people, "admin", 1).await;
    people.write_behind(1, "new");
    let new = Some("new".to_owned());
    assert_eq!(ask(&cache, &people, "auditor", 1).await, new);
    let stored = cache.get::<Person>(&1).await.unwrap().unwrap();
    assert_eq!(stored.name, "person 1", "what it loads replaces nothing");
}

#[tokio::test]
async fn an_operation_without_a_class_takes_what_is_fresh_at_any_age() {
    let clock = ManualClock::new();
    let (cache, people) = (under(by_role(), memory(&clock)), rows());
    ask(&cache, &people, "admin", 1).await;
    clock.advance(MINUTE * 120 - TICK);
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.execute(&mut feeder, &people, CacheStrategy::Refresh);
    fed.await.unwrap();
    assert_eq!((feeder.entity, people.loads()), (Some(person(1)), 1));
}

#[tokio::test]
async fn a_class_without_a_policy_is_refused_before_anyone_is_asked() {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    let (cache, people) = (CacheService::new(InMemoryBackend::new()), rows());
    cache.put(person(1)).await.unwrap();
    for strategy in [Refresh, Fresh, Invalidate, Bypass] {
        let mut feeder = GenericFeeder::<Person>::new(1);
        let config = OperationConfig::new().ttl_class("guest");
        let fed = cache.execute_with(&mut feeder, &people, strategy, config);
        let Err(Error::ConfigError(cause)) = fed.await else {
            panic!("{strategy:?} is accepted");
        };
        assert!(cause.to_string().contains("ttl_policy"), "{cause}");
        assert_eq!(feeder.entity, None);
    }
    assert_eq!(people.loads(), 0);
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_policy_that_panics_on_the_age_limit_lets_the_repository_be_asked() {
    let metrics = RecordingMetrics::default();
    let policy = TtlPolicy::PerType(Box::new(|class| match class {
        "guest" => panic!("what is a guest?"),
        _ => MINUTE,
    }));
    let cache = CacheService::builder(InMemoryBackend::new())
        .ttl_policy(policy)
        .metrics(metrics.clone())
        .build()
        .unwrap();
    let people = rows();
    ask(&cache, &people, "admin", 1).await;
    people.write_behind(1, "new");
    let _ = metrics.take();
    let new = Some("new".to_owned());
    assert_eq!(ask(&cache, &people, "guest", 1).await, new);
    let wanted = [
        "failure:policy",
        "miss",
        "load:found",
        "failure:policy",
        "fill",
    ];
    assert_eq!(metrics.take(), event_names(&wanted));
}

#[tokio::test]
async fn an_entry_keeps_its_age_when_it_is_read() {
    let clock = ManualClock::new();
    let cache = under(by_role(), memory(&clock));
    let people = rows();
    ask(&cache, &people, "admin", 1).await;
    for _ in 0..4 {
        clock.advance(MINUTE);
        ask(&cache, &people, "guest", 1).await;
    }
    assert_eq!(people.loads(), 1);
    clock.advance(MINUTE);
    ask(&cache, &people, "guest", 1).await;
    assert_eq!(people.loads(), 2, "five minutes after it was loaded");
    // A batch has no class.
    clock.advance(MINUTE * 5 - TICK);
    let bulk = Bulk::below(10);
    cache.load_many::<Person, _>(&[1], &bulk).await;
    assert_eq!(bulk.take(), Vec::<Vec<u64>>::new());
    assert!(matches!(
        cache.look_up::<Person>(&1).await,
        Ok(Found::Hit(_))
    ));
}
