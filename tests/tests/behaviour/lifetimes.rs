//! DESIGN §4.2: an entry lives as long as was said, to the tick of its clock.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{Employment, EmploymentKey, Person, clocked_cache};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// An entity that says nothing of its lifetime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "note", key = id)]
struct Note {
    id: u64,
}

/// A cache under a turned clock, with a default for what entities do not say.
fn cache_with(lifetime: Lifetime) -> (CacheService<InMemoryBackend>, ManualClock) {
    let clock = ManualClock::new();
    let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
    (
        CacheService::builder(backend)
            .default_lifetime(lifetime)
            .build()
            .unwrap(),
        clock,
    )
}

/// A cache on the system's clock, likewise.
fn real_cache_with(lifetime: Lifetime) -> CacheService<InMemoryBackend> {
    CacheService::builder(InMemoryBackend::new())
        .default_lifetime(lifetime)
        .build()
        .unwrap()
}

fn ada() -> Person {
    Person {
        id: 1,
        name: "Ada".into(),
    }
}

async fn has_note<B: CacheBackend>(cache: &CacheService<B>, id: u64) -> bool {
    cache.get::<Note>(&id).await.unwrap().is_some()
}

/// Asks for what the repository does not have; says whether it was asked.
async fn asks_for_nothing<T: CacheEntity>(
    cache: &CacheService<InMemoryBackend>,
    key: T::Key,
) -> bool {
    let loads = AtomicU64::new(0);
    let load = || async {
        loads.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(None::<T>)
    };
    assert!(cache.get_or_load(&key, load).await.unwrap().is_none());
    loads.into_inner() > 0
}

#[tokio::test]
async fn a_value_is_fresh_until_its_ttl_to_the_tick() {
    let (cache, clock) = clocked_cache();
    cache.put(ada()).await.unwrap();
    clock.advance(HOUR - TICK);
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
    clock.advance(TICK);
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_loaded_value_lives_from_when_it_was_stored() {
    let (cache, clock) = clocked_cache();
    let load = || async {
        clock.advance(HOUR * 2);
        Ok::<_, Error>(Some(ada()))
    };
    cache.get_or_load(&1, load).await.unwrap();
    clock.advance(HOUR - TICK);
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
    clock.advance(TICK);
    assert!(cache.get::<Person>(&1).await.unwrap().is_none());
}

#[tokio::test]
async fn absence_is_known_until_its_ttl_to_the_tick() {
    let (cache, clock) = clocked_cache();
    let minute = Duration::from_secs(60);
    assert!(asks_for_nothing::<Person>(&cache, 99).await);
    clock.advance(minute - TICK);
    assert!(!asks_for_nothing::<Person>(&cache, 99).await);
    clock.advance(TICK);
    assert!(asks_for_nothing::<Person>(&cache, 99).await);
}

#[tokio::test]
async fn absence_is_not_stored_without_negative_ttl() {
    let (cache, _clock) = clocked_cache();
    let key = EmploymentKey::new("ada", 1843);
    assert!(asks_for_nothing::<Employment>(&cache, key.clone()).await);
    assert!(asks_for_nothing::<Employment>(&cache, key).await);
    assert_eq!(cache.stats().entries, Some(0));
}

#[tokio::test]
async fn jitter_shortens_by_at_most_its_fraction_and_really_differs() {
    let lifetime = Lifetime::new().with_ttl(SECOND * 100).with_jitter(0.5);
    let (cache, clock) = cache_with(lifetime);
    for id in 0..200 {
        cache.put(Note { id }).await.unwrap();
    }
    let mut living = Vec::new();
    for wait in [
        SECOND * 50,
        SECOND * 12,
        SECOND * 13,
        SECOND * 12,
        SECOND * 13,
    ] {
        let mut count = 0;
        clock.advance(wait - TICK);
        for id in 0..200 {
            count += u32::from(has_note(&cache, id).await);
        }
        living.push(count);
        clock.advance(TICK);
    }
    assert_eq!(living[0], 200, "nobody dies before half of the time");
    assert!(
        living[1] < 200 && living.is_sorted_by(|a, b| a > b),
        "{living:?}"
    );
    for id in 0..200 {
        assert!(
            !has_note(&cache, id).await,
            "nobody lives longer than the TTL"
        );
    }
}

#[tokio::test]
async fn absence_has_no_jitter_and_a_value_may_have_none() {
    let lifetime = Lifetime::new()
        .with_ttl(SECOND)
        .with_negative_ttl(SECOND)
        .with_jitter(0.0);
    let (cache, clock) = cache_with(lifetime);
    for id in 0..100 {
        cache.put(Note { id }).await.unwrap();
        assert!(asks_for_nothing::<Note>(&cache, 1000 + id).await);
    }
    clock.advance(SECOND - TICK);
    for id in 0..100 {
        assert!(has_note(&cache, id).await);
        assert!(!asks_for_nothing::<Note>(&cache, 1000 + id).await);
    }
}

#[tokio::test]
async fn without_a_ttl_a_value_lives_until_it_is_dropped() {
    let (cache, clock) = cache_with(Lifetime::new());
    cache.put(Note { id: 1 }).await.unwrap();
    clock.advance(YEAR * 500);
    assert!(has_note(&cache, 1).await);
    cache.invalidate::<Note>(&1).await.unwrap();
    assert!(!has_note(&cache, 1).await);
}

#[tokio::test]
async fn decades_and_the_longest_duration_do_not_overflow() {
    for ttl in [
        YEAR * 31,
        YEAR * 99,
        YEAR * 583,
        YEAR * 1001,
        Duration::MAX - TICK,
        Duration::MAX,
    ] {
        let lifetime = Lifetime::new().with_ttl(ttl).with_negative_ttl(ttl);
        let real = real_cache_with(lifetime.with_jitter(0.01));
        real.put(Note { id: 1 }).await.unwrap();
        assert!(asks_for_nothing::<Note>(&real, 2).await);
        assert_eq!(real.stats().entries, Some(2), "{ttl:?}");
        assert!(
            has_note(&real, 1).await && !asks_for_nothing::<Note>(&real, 2).await,
            "{ttl:?}"
        );
        let (turned, clock) = cache_with(lifetime);
        clock.advance(YEAR);
        turned.put(Note { id: 1 }).await.unwrap();
        clock.advance(ttl.min(YEAR * 580) - TICK);
        assert!(has_note(&turned, 1).await, "{ttl:?}");
        clock.advance(TICK);
        assert_eq!(has_note(&turned, 1).await, ttl > YEAR * 580, "{ttl:?}");
    }
}

/// Declares a TTL of one hour; `brief` overrides it.
struct Notes {
    cache: CacheService<InMemoryBackend>,
}

impl Notes {
    #[cached(ttl = "1s")]
    async fn brief(&self, id: u64) -> Person {
        Person { id, ..ada() }
    }

    #[cached]
    async fn declared(&self, id: u64) -> Person {
        Person { id, ..ada() }
    }

    #[cached]
    async fn undeclared(&self, id: u64) -> Note {
        Note { id }
    }
}

#[tokio::test]
async fn a_call_overrides_the_declaration_and_that_the_service() {
    let (cache, clock) = cache_with(
        Lifetime::new()
            .with_ttl(SECOND * 10)
            .with_negative_ttl(SECOND * 10),
    );
    let notes = Notes {
        cache: cache.clone(),
    };
    let (brief, declared, undeclared) = (
        notes.brief(1).await,
        notes.declared(2).await,
        notes.undeclared(3).await,
    );
    assert!(
        asks_for_nothing::<Person>(&cache, 4).await && asks_for_nothing::<Note>(&cache, 5).await
    );
    clock.advance(SECOND);
    assert_eq!(
        cache.get::<Person>(&brief.id).await.unwrap(),
        None,
        "the call's"
    );
    assert!(has_note(&cache, undeclared.id).await);
    clock.advance(SECOND * 9);
    assert!(!has_note(&cache, undeclared.id).await, "the service's");
    assert!(
        !asks_for_nothing::<Person>(&cache, 4).await,
        "the declared minute"
    );
    assert!(asks_for_nothing::<Note>(&cache, 5).await, "the service's");
    clock.advance(HOUR - SECOND * 10 - TICK);
    assert_eq!(
        cache.get::<Person>(&declared.id).await.unwrap(),
        Some(Arc::new(declared))
    );
    clock.advance(TICK);
    assert_eq!(
        cache.get::<Person>(&2).await.unwrap(),
        None,
        "the declaration's"
    );
}

#[tokio::test]
async fn a_replaced_entry_has_the_end_of_the_new_one() {
    let (cache, clock) = cache_with(Lifetime::new());
    let notes = Notes {
        cache: cache.clone(),
    };
    notes.brief(1).await;
    clock.advance(SECOND - TICK);
    cache.put(ada()).await.unwrap();
    clock.advance(HOUR - TICK);
    assert!(
        cache.get::<Person>(&1).await.unwrap().is_some(),
        "longer than the first"
    );
    cache.invalidate::<Person>(&1).await.unwrap();
    cache.put(ada()).await.unwrap();
    cache.invalidate::<Person>(&1).await.unwrap();
    notes.brief(1).await;
    clock.advance(SECOND);
    assert!(
        cache.get::<Person>(&1).await.unwrap().is_none(),
        "shorter than the first"
    );
}

#[tokio::test]
async fn a_replaced_entry_is_kept_by_the_store_until_its_new_end() {
    let cache = real_cache_with(Lifetime::new());
    let notes = Notes {
        cache: cache.clone(),
    };
    notes.brief(1).await;
    cache.put(ada()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(cache.stats().entries, Some(1));
    assert!(cache.get::<Person>(&1).await.unwrap().is_some());
}

#[tokio::test]
async fn what_has_ended_frees_its_memory() {
    let cache = real_cache_with(Lifetime::new().with_ttl(Duration::from_millis(50)));
    let entity = Arc::new(Note { id: 1 });
    cache.put(Arc::clone(&entity)).await.unwrap();
    for id in 2..1000 {
        cache.put(Note { id }).await.unwrap();
    }
    let begun = Instant::now();
    while cache.stats().entries != Some(0) || Arc::strong_count(&entity) > 1 {
        assert!(
            begun.elapsed() < SECOND * 8,
            "{:?} entries are left",
            cache.stats().entries
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_clock_turned_on_and_on_never_makes_an_entry_live_again() {
    let (cache, clock) = cache_with(Lifetime::new().with_ttl(HOUR));
    clock.advance(SECOND);
    cache.put(Note { id: 1 }).await.unwrap();
    for by in [
        Duration::MAX,
        HOUR,
        YEAR * 500,
        YEAR * 80,
        Duration::MAX,
        YEAR * 4,
        SECOND,
    ] {
        clock.advance(by);
        assert!(!has_note(&cache, 1).await, "after {by:?} more");
    }
}
