//! `#[cached]` on functions of many keys: one read, one call of the body with what is missing, one
//! fill.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Cached, Retry};
use cache_kit_tests::{Employment, EmploymentKey, Person, RepositoryError, counts, soon};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}

/// The people under 100, and what was asked of them.
#[derive(Clone)]
struct People {
    cache: CacheService<InMemoryBackend>,
    asked: Arc<Mutex<Vec<Vec<u64>>>>,
    is_failing: Arc<AtomicBool>,
}

impl People {
    fn new() -> Self {
        Self::over(CacheService::new(InMemoryBackend::new()))
    }

    fn over(cache: CacheService<InMemoryBackend>) -> Self {
        Self {
            cache,
            asked: Arc::default(),
            is_failing: Arc::default(),
        }
    }

    fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    async fn select(&self, ids: &[u64]) -> Result<Vec<Person>, RepositoryError> {
        self.asked.lock().unwrap().push(ids.to_vec());
        tokio::task::yield_now().await;
        if self.is_failing.load(Ordering::Relaxed) {
            return Err(RepositoryError);
        }
        Ok(ids
            .iter()
            .rev()
            .filter(|id| **id < 100)
            .map(|id| person(*id))
            .collect())
    }

    #[cached(negative_ttl = "1m")]
    async fn find(&self, id: u64) -> Result<Option<Person>, RepositoryError> {
        Ok(self.select(&[id]).await?.pop())
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> Result<Vec<Person>, RepositoryError> {
        self.select(ids).await
    }

    #[cached(negative_ttl = "1m")]
    async fn positions(
        &self,
        mut ids: Vec<u64>,
    ) -> Result<Vec<Option<Arc<Person>>>, RepositoryError> {
        ids.reverse();
        let found = self.select(&ids).await?;
        Ok(found
            .into_iter()
            .map(|person| Some(Arc::new(person)))
            .collect())
    }

    #[cached]
    async fn map(
        &self,
        ids: impl IntoIterator<Item = u64> + Send,
    ) -> Result<HashMap<u64, Person>, RepositoryError> {
        let ids: Vec<u64> = ids.into_iter().collect();
        let found = self.select(&ids).await?;
        Ok(found
            .into_iter()
            .map(|person| (person.id, person))
            .collect())
    }

    #[cached]
    async fn sorted(
        &self,
        ids: &HashSet<u64>,
    ) -> Result<BTreeMap<u64, Arc<Person>>, RepositoryError> {
        let ids: Vec<u64> = ids.iter().copied().collect();
        let found = self.select(&ids).await?;
        Ok(found
            .into_iter()
            .map(|person| (person.id, Arc::new(person)))
            .collect())
    }

    #[cached(strategy = strategy)]
    async fn by(
        &self,
        ids: &[u64],
        strategy: CacheStrategy,
    ) -> Result<Vec<Person>, RepositoryError> {
        self.select(ids).await
    }

    #[cached(skip(connection))]
    async fn through(&self, connection: &mut Vec<u64>, ids: &[u64]) -> Vec<Person> {
        connection.extend(ids);
        self.select(ids).await.unwrap_or_default()
    }

    #[cached(unless = |person| person.id % 2 == 0, ttl = "1h")]
    async fn odd(&self, ids: &[u64]) -> Vec<Person> {
        self.select(ids).await.unwrap_or_default()
    }

    #[cached(retry = Retry::new(2).first_delay(Duration::ZERO), retry_if = |_| true)]
    async fn insistent(&self, ids: &[u64]) -> Result<Vec<Person>, RepositoryError> {
        let found = self.select(ids).await;
        self.is_failing.store(false, Ordering::Relaxed);
        found
    }

    #[cached(condition = !ids.contains(&7))]
    async fn on_condition(&self, ids: &[u64]) -> Vec<Person> {
        self.select(ids).await.unwrap_or_default()
    }

    #[cached]
    async fn short_lived(&self, ids: &[u64]) -> Vec<Cached<Person>> {
        let found = self.select(ids).await.unwrap_or_default();
        found
            .into_iter()
            .map(|person| {
                let ttl = if person.id == 5 {
                    Duration::ZERO
                } else {
                    Duration::from_secs(60)
                };
                Cached::new(person).ttl(ttl)
            })
            .collect()
    }
}

fn ids<'p>(people: impl IntoIterator<Item = &'p Person>) -> Vec<u64> {
    people.into_iter().map(|person| person.id).collect()
}

#[tokio::test]
async fn the_body_is_given_what_is_missing_and_answers_come_in_the_order_asked() {
    let people = People::new();
    people.find(3).await.unwrap();
    people.asked();
    let found = people.list(&[5, 3, 500, 5, 1]).await.unwrap();
    assert_eq!(
        ids(&found),
        [5, 3, 5, 1],
        "duplicates kept, what is absent left out"
    );
    assert_eq!(
        people.asked(),
        [vec![5, 500, 1]],
        "each key once, in one call"
    );
    assert_eq!(ids(&people.list(&[1, 3, 5]).await.unwrap()), [1, 3, 5]);
    assert!(people.asked().is_empty(), "a batch fills what it loaded");
    assert_eq!(people.find(5).await.unwrap(), Some(person(5)));
    assert!(people.asked().is_empty(), "also for who asks for one");
    assert!(people.list(&[]).await.unwrap().is_empty());
    assert!(people.asked().is_empty(), "nothing is asked for nothing");
}

#[tokio::test]
async fn every_way_of_passing_keys_and_of_returning_entities_works() {
    let people = People::new();
    let positions = people.positions(vec![3, 500, 3]).await.unwrap();
    let shown: Vec<_> = positions
        .iter()
        .map(|found| found.as_ref().map(|p| p.id))
        .collect();
    assert_eq!(shown, [Some(3), None, Some(3)]);
    assert_eq!(
        people.asked(),
        [vec![500, 3]],
        "the body may change what it was given"
    );
    people.positions(vec![500]).await.unwrap();
    assert!(
        people.asked().is_empty(),
        "absence is remembered with a `negative_ttl`"
    );

    let map = people.map([3, 4, 500]).await.unwrap();
    assert_eq!(people.asked(), [vec![4]], "`500` is known to be absent");
    assert_eq!((map.len(), &map[&4]), (2, &person(4)));

    let sorted = people.sorted(&HashSet::from([4, 2])).await.unwrap();
    assert_eq!(people.asked(), [vec![2]]);
    assert_eq!(sorted.keys().collect::<Vec<_>>(), [&2, &4]);
}

#[tokio::test]
async fn each_strategy_does_what_it_says() {
    let people = People::new();
    assert!(
        people
            .by(&[1], CacheStrategy::Fresh)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(people.asked().is_empty(), "`Fresh` does not load");
    people.by(&[1], CacheStrategy::Refresh).await.unwrap();
    people.asked();
    assert_eq!(
        ids(&people.by(&[2, 1], CacheStrategy::Fresh).await.unwrap()),
        [1]
    );
    assert_eq!(
        ids(&people.by(&[2, 1, 2], CacheStrategy::Bypass).await.unwrap()),
        [2, 1, 2]
    );
    assert_eq!(people.asked(), [vec![2, 1]]);
    assert!(
        people
            .by(&[2], CacheStrategy::Fresh)
            .await
            .unwrap()
            .is_empty(),
        "`Bypass` stores nothing"
    );
    people.by(&[1, 2], CacheStrategy::Invalidate).await.unwrap();
    assert_eq!(people.asked(), [vec![1, 2]]);
    assert_eq!(
        ids(&people.by(&[1, 2], CacheStrategy::Fresh).await.unwrap()),
        [1, 2]
    );
}

#[tokio::test]
async fn what_is_borrowed_for_writing_goes_to_the_body() {
    let (people, mut connection) = (People::new(), Vec::new());
    people.through(&mut connection, &[1, 2]).await;
    people.through(&mut connection, &[2, 3]).await;
    assert_eq!(connection, [1, 2, 3]);
}

#[tokio::test]
async fn entities_may_be_left_out_of_the_cache_one_by_one() {
    let people = People::new();
    people.odd(&[1, 2, 3]).await;
    people.odd(&[1, 2, 3]).await;
    assert_eq!(people.asked(), [vec![1, 2, 3], vec![2]]);
    people.short_lived(&[1, 5]).await;
    people.short_lived(&[1, 5]).await;
    assert_eq!(
        people.asked(),
        [vec![5], vec![5]],
        "1 is known, and 5 is not to be stored"
    );
}

#[tokio::test]
async fn a_load_that_failed_is_tried_again() {
    let people = People::new();
    people.is_failing.store(true, Ordering::Relaxed);
    assert_eq!(ids(&people.insistent(&[1, 2]).await.unwrap()), [1, 2]);
    assert_eq!(people.asked(), [vec![1, 2], vec![1, 2]]);
}

#[tokio::test]
async fn where_the_condition_does_not_hold_the_cache_is_left_alone() {
    let people = People::new();
    people.on_condition(&[7, 1]).await;
    people.on_condition(&[1]).await;
    people.on_condition(&[1]).await;
    assert_eq!(people.asked(), [vec![7, 1], vec![1]]);
}

#[tokio::test]
async fn a_failure_is_the_calls_and_nothing_is_stored() {
    let people = People::new();
    people.is_failing.store(true, Ordering::Relaxed);
    let error = people.list(&[1, 2]).await.unwrap_err();
    assert_eq!(error, RepositoryError);
    people.is_failing.store(false, Ordering::Relaxed);
    assert_eq!(ids(&people.list(&[1, 2]).await.unwrap()), [1, 2]);
    assert_eq!(counts(&people.cache).fills, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_and_single_finders_share_their_flights() {
    let people = People::new();
    let calls: Vec<_> = (0..40_u64)
        .map(|n| {
            let people = people.clone();
            tokio::spawn(async move {
                if n % 2 == 0 {
                    assert_eq!(people.find(n % 4).await.unwrap(), Some(person(n % 4)));
                } else {
                    assert_eq!(people.list(&[0, 1, 2, 3]).await.unwrap().len(), 4);
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let mut asked: Vec<u64> = people.asked().concat();
    asked.sort_unstable();
    assert_eq!(asked, [0, 1, 2, 3], "each key was loaded once");
}

/// Keys of several fields, and keys that are lent.
struct Employments {
    cache: CacheService<ByteBackend>,
    loads: AtomicU64,
}

impl Employments {
    #[cached]
    async fn find_many(&self, keys: &[EmploymentKey]) -> Vec<Employment> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        keys.iter()
            .map(|key| Employment {
                person_id: key.person_id.clone(),
                year: key.year,
                employer: "Analytical Engines".into(),
                salary: 1.0,
            })
            .collect()
    }
}

#[tokio::test]
async fn keys_of_several_fields_and_stores_of_bytes_work() {
    let employments = Employments {
        cache: CacheService::new(ByteBackend::default()),
        loads: AtomicU64::new(0),
    };
    let keys = [
        EmploymentKey::new("ada", 1843),
        EmploymentKey::new("ada", 1844),
    ];
    let found = employments.find_many(&keys).await;
    employments.cache.run_pending_tasks().await.unwrap();
    assert_eq!(employments.find_many(&keys).await, found);
    assert_eq!(employments.loads.load(Ordering::Relaxed), 1);
    assert_eq!(found[1].year, 1844);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "city", key = name)]
struct City {
    name: String,
}

#[cached]
async fn cities(cache: &CacheService<InMemoryBackend>, names: &[&str]) -> Vec<City> {
    names
        .iter()
        .map(|name| City {
            name: (*name).to_owned(),
        })
        .collect()
}

#[cached]
async fn iterated<'a, I>(
    cache: &CacheService<InMemoryBackend>,
    names: I,
) -> cache_kit::Result<Vec<Option<City>>>
where
    I: IntoIterator<Item = &'a str> + Send,
{
    Ok(names
        .into_iter()
        .filter(|name| *name != "Ys")
        .map(|name| {
            Some(City {
                name: name.to_owned(),
            })
        })
        .collect())
}

#[tokio::test]
async fn keys_may_be_lent_and_absence_is_not_remembered_without_a_negative_ttl() {
    let cache = CacheService::new(InMemoryBackend::new());
    let found = cities(&cache, &["Paris", "Rome"]).await;
    assert_eq!(found[0].name, "Paris");
    let found = iterated(&cache, ["Rome", "Ys"]).await.unwrap();
    assert_eq!(
        found,
        [
            Some(City {
                name: "Rome".into()
            }),
            None
        ]
    );
    assert_eq!((counts(&cache).hits, counts(&cache).fills), (1, 2));
    iterated(&cache, ["Ys"]).await.unwrap();
    assert_eq!(counts(&cache).loads, 3, "`Ys` was asked for again");
}

#[tokio::test]
async fn a_batch_is_a_future_that_can_be_spawned_and_dropped() {
    let people = People::new();
    let own = people.clone();
    let call = tokio::spawn(async move { own.list(&[1, 2]).await });
    call.abort();
    let _ = call.await;
    let found = soon(people.list(&[1, 2])).await;
    assert_eq!(ids(&found.unwrap()), [1, 2]);
}
