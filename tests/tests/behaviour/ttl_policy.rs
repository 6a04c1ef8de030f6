//! DESIGN §3: a service's `TtlPolicy`, and what it is stronger and weaker than.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

mod closures;

use cache_kit::prelude::*;
use cache_kit::{Error, ManualClock};
use cache_kit_tests::{Bulk, People, Person, RecordingMetrics, person};
use std::time::Duration;

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

/// An entity that varies its lifetime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "wave", ttl = "1h", jitter = 0.5, negative_ttl = "1m", key = id)]
struct Wave {
    id: u64,
}

struct Setting {
    cache: CacheService<InMemoryBackend>,
    clock: ManualClock,
    metrics: RecordingMetrics,
}

/// A service of the policy whose default is three seconds, for values and absences.
fn setting(policy: TtlPolicy) -> Setting {
    let (clock, metrics) = (ManualClock::new(), RecordingMetrics::default());
    let backend = InMemoryBackend::builder().clock(&clock).build().unwrap();
    let default = Lifetime::new()
        .with_ttl(SECOND * 3)
        .with_negative_ttl(SECOND * 3);
    let cache = CacheService::builder(backend)
        .default_lifetime(default)
        .metrics(metrics.clone())
        .ttl_policy(policy)
        .build()
        .unwrap();
    Setting {
        cache,
        clock,
        metrics,
    }
}

impl Setting {
    async fn assert_lives<T: CacheEntity>(&self, key: &T::Key, ttl: Duration, what: &str) {
        self.clock.advance(ttl.checked_sub(TICK).unwrap());
        let entry = self.cache.get::<T>(key).await.unwrap();
        assert!(entry.is_some(), "{what}: gone before {ttl:?}");
        self.clock.advance(TICK);
        let entry = self.cache.get::<T>(key).await.unwrap();
        assert!(entry.is_none(), "{what}: there after {ttl:?}");
    }

    async fn assert_stays<T: CacheEntity>(&self, key: &T::Key) {
        self.clock.advance(YEAR * 100);
        assert!(self.cache.get::<T>(key).await.unwrap().is_some());
    }

    async fn load_note(&self) {
        let load = || async { Ok::<_, Error>(Some(Note { id: 1 })) };
        self.cache.get_or_load(&1, load).await.unwrap();
    }

    async fn load_nobody(&self) {
        let load = || async { Ok::<_, Error>(None::<Person>) };
        self.cache.get_or_load(&99, load).await.unwrap();
    }
}

struct Readers {
    cache: CacheService<InMemoryBackend>,
}

impl Readers {
    #[cached]
    async fn declared(&self, id: u64) -> Person {
        person(id)
    }

    #[cached(ttl = "7s")]
    async fn brief(&self, id: u64) -> Person {
        person(id)
    }

    #[cached(ttl = "5h")]
    async fn long(&self, id: u64) -> Person {
        person(id)
    }
}

/// The ways in which an entry comes to be.
#[derive(Clone, Copy, Debug)]
enum Way {
    Macro,
    MacroPut,
    GetOrLoad,
    GetOrLoadMany,
    LoadMany,
    Put,
    PutWith,
    Execute,
    ExecuteInvalidate,
    Fetch,
}

const WAYS: [Way; 10] = [
    Way::Macro,
    Way::MacroPut,
    Way::GetOrLoad,
    Way::GetOrLoadMany,
    Way::LoadMany,
    Way::Put,
    Way::PutWith,
    Way::Execute,
    Way::ExecuteInvalidate,
    Way::Fetch,
];

async fn feed(cache: &CacheService<InMemoryBackend>, strategy: CacheStrategy) {
    let mut feeder = GenericFeeder::<Person>::new(1);
    let fed = cache.execute(&mut feeder, &Bulk::below(10), strategy).await;
    fed.unwrap();
    assert_eq!(feeder.entity, Some(person(1)));
}

/// Makes the entry of person 1.
async fn store(cache: &CacheService<InMemoryBackend>, way: Way) {
    let people = People::new(cache.clone());
    match way {
        Way::Macro => drop(people.find(1).await.unwrap()),
        Way::MacroPut => drop(people.save(person(1)).await.unwrap()),
        Way::GetOrLoad => drop(cache.get_or_load(&1, || people.load(1)).await.unwrap()),
        Way::GetOrLoadMany => {
            let load = |_| async { Ok::<_, Error>(vec![person(1)]) };
            cache.get_or_load_many(&[1], load).await.unwrap();
        }
        Way::LoadMany => drop(cache.load_many(&[1], &people).await),
        Way::Put => cache.put(person(1)).await.unwrap(),
        Way::PutWith => drop(cache.put_with(&1, || async { person(1) }).await),
        Way::Execute => feed(cache, CacheStrategy::Refresh).await,
        Way::ExecuteInvalidate => feed(cache, CacheStrategy::Invalidate).await,
        Way::Fetch => {
            let registry = CacheRegistry::builder(cache.clone()).repository::<Person>(people);
            let registry = registry.build().unwrap();
            registry.fetch::<Person>(&1).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_policy_is_stronger_than_the_declaration_however_an_entry_comes_to_be() {
    for way in WAYS {
        for ttl in [SECOND * 10, HOUR * 2] {
            let setting = setting(TtlPolicy::Fixed(ttl));
            store(&setting.cache, way).await;
            let what = format!("{way:?}");
            setting.assert_lives::<Person>(&1, ttl, &what).await;
        }
    }
}

#[tokio::test]
async fn a_policy_is_stronger_than_the_default() {
    let setting = setting(TtlPolicy::Fixed(SECOND * 10));
    setting.load_note().await;
    setting
        .assert_lives::<Note>(&1, SECOND * 10, "the policy's")
        .await;
}

#[tokio::test]
async fn an_operation_is_stronger_than_every_policy() {
    let policies = || {
        [
            TtlPolicy::Fixed(HOUR),
            TtlPolicy::PerType(Box::new(|_| HOUR)),
            TtlPolicy::Custom(Box::new(|_| None)),
            TtlPolicy::Infinite,
        ]
    };
    for policy in policies() {
        let setting = setting(policy);
        let readers = Readers {
            cache: setting.cache.clone(),
        };
        readers.brief(1).await;
        setting
            .assert_lives::<Person>(&1, SECOND * 7, "shorter")
            .await;
        readers.long(1).await;
        setting.assert_lives::<Person>(&1, HOUR * 5, "longer").await;
    }
    for policy in policies() {
        let setting = setting(policy);
        let config = OperationConfig::new().with_ttl(SECOND * 8);
        let mut feeder = GenericFeeder::<Person>::new(1);
        let (repository, strategy) = (Bulk::below(10), CacheStrategy::Refresh);
        let fed = setting
            .cache
            .execute_with(&mut feeder, &repository, strategy, config);
        fed.await.unwrap();
        setting
            .assert_lives::<Person>(&1, SECOND * 8, "the operation's")
            .await;
    }
}

#[tokio::test]
async fn without_a_policy_the_operation_the_declaration_and_the_default_count_in_this_order() {
    let setting = setting(TtlPolicy::Infinite);
    // A builder cannot lose its policy: the other service is made anew, over the same entries.
    let default = Lifetime::new().with_ttl(SECOND * 3);
    let backend = setting.cache.backend().clone();
    let cache = CacheService::builder(backend)
        .default_lifetime(default)
        .build()
        .unwrap();
    let setting = Setting { cache, ..setting };
    let readers = Readers {
        cache: setting.cache.clone(),
    };
    readers.brief(1).await;
    setting
        .assert_lives::<Person>(&1, SECOND * 7, "the operation's")
        .await;
    readers.declared(1).await;
    setting
        .assert_lives::<Person>(&1, HOUR, "the declaration's")
        .await;
    setting.load_note().await;
    setting
        .assert_lives::<Note>(&1, SECOND * 3, "the default's")
        .await;
}

#[tokio::test]
async fn per_type_is_asked_with_the_prefix() {
    let setting = setting(TtlPolicy::PerType(Box::new(|prefix| match prefix {
        "note" => SECOND * 20,
        "person" => SECOND * 10,
        other => panic!("asked for {other}"),
    })));
    setting.load_note().await;
    store(&setting.cache, Way::GetOrLoad).await;
    setting
        .assert_lives::<Person>(&1, SECOND * 10, "a person")
        .await;
    setting
        .assert_lives::<Note>(&1, SECOND * 10, "a note, ten seconds later")
        .await;
}

#[tokio::test]
async fn closures_need_no_box() {
    for (policy, seconds) in [
        (TtlPolicy::per_type(|_| SECOND * 20), 20),
        (TtlPolicy::custom(|context| context.declared), 3),
    ] {
        let setting = setting(policy);
        setting.load_note().await;
        setting
            .assert_lives::<Note>(&1, SECOND * seconds, "the policy's")
            .await;
    }
}

#[tokio::test]
async fn under_infinite_an_entry_stays_whatever_is_declared() {
    for way in WAYS {
        let setting = setting(TtlPolicy::Infinite);
        store(&setting.cache, way).await;
        setting.assert_stays::<Person>(&1).await;
        setting.cache.invalidate::<Person>(&1).await.unwrap();
        assert_eq!(setting.cache.get::<Person>(&1).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_absence_lives_as_declared_under_every_policy() {
    for policy in [
        TtlPolicy::Fixed(HOUR),
        TtlPolicy::Infinite,
        TtlPolicy::PerType(Box::new(|_| SECOND)),
        TtlPolicy::Custom(Box::new(|_| Some(HOUR))),
    ] {
        let what = format!("{policy:?}");
        let setting = setting(policy);
        setting.load_nobody().await;
        setting.clock.advance(Duration::from_secs(60) - TICK);
        let found = setting.cache.look_up::<Person>(&99).await.unwrap();
        assert_eq!(found, cache_kit::Found::Absent, "{what}");
        setting.clock.advance(TICK);
        let found = setting.cache.look_up::<Person>(&99).await.unwrap();
        assert_eq!(found, cache_kit::Found::Miss, "{what}");
    }
}

#[tokio::test]
async fn the_declared_jitter_is_taken_off_what_a_policy_says() {
    let setting = setting(TtlPolicy::Fixed(SECOND * 100));
    for id in 0..200 {
        setting.cache.put(Wave { id }).await.unwrap();
    }
    let ids: Vec<_> = (0..200).collect();
    let living = async || {
        let found = setting.cache.get_many::<Wave>(&ids).await;
        found.into_iter().filter_map(Result::unwrap).count()
    };
    setting.clock.advance(SECOND * 50 - TICK);
    assert_eq!(living().await, 200, "half of the time is everyone's");
    setting.clock.advance(SECOND * 25);
    let half = living().await;
    assert!(half > 0 && half < 200, "{half} of 200 live longer");
    setting.clock.advance(SECOND * 25 + TICK);
    assert_eq!(
        living().await,
        0,
        "nobody lives longer than the policy says"
    );
}
