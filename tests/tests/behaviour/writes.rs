//! DESIGN §3, put and evict: the key is taken before the body, and no entry survives a write whose
//! end is unknown.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, Found};
use cache_kit_tests::{
    Employment, EmploymentKey, People, Person, RepositoryError, clocked_cache, settle,
};
use std::sync::Arc;

fn people() -> People {
    People::new(clocked_cache().0)
}

async fn cached(people: &People, id: u64) -> Option<String> {
    people
        .cache
        .get::<Person>(&id)
        .await
        .unwrap()
        .map(|person| person.name.clone())
}

fn named(id: u64, name: &str) -> Person {
    Person {
        id,
        name: name.into(),
    }
}

#[tokio::test]
async fn a_put_is_seen_at_once_and_without_a_load() {
    let people = people();
    people.find(1).await.unwrap();
    people.save(named(1, "married")).await.unwrap();
    assert_eq!(people.find(1).await.unwrap().unwrap().name, "married");
    assert_eq!(people.loads(), 1);
}

#[tokio::test]
async fn an_evicted_entity_is_asked_for_again() {
    let people = people();
    people.find(1).await.unwrap();
    people.remove(1).await.unwrap();
    assert_eq!(people.find(1).await.unwrap(), None);
    assert_eq!(people.loads(), 2);
}

#[tokio::test]
async fn a_failed_write_invalidates_for_it_may_have_been_committed() {
    let people = people();
    for id in [1, 2] {
        people.find(id).await.unwrap();
    }
    people.set_down(true);
    assert_eq!(
        people.save(named(1, "half written")).await,
        Err(RepositoryError)
    );
    assert_eq!(people.remove(2).await, Err(RepositoryError));
    assert_eq!(
        (cached(&people, 1).await, cached(&people, 2).await),
        (None, None)
    );
}

#[tokio::test]
async fn a_write_that_is_dropped_half_way_invalidates() {
    let people = people();
    for id in [1, 2] {
        people.find(id).await.unwrap();
    }
    people.close_gate();
    let (mut save, mut remove) = (
        Box::pin(people.save(named(1, "x"))),
        Box::pin(people.remove(2)),
    );
    for _ in 0..3 {
        assert!(futures::poll!(save.as_mut()).is_pending());
        assert!(futures::poll!(remove.as_mut()).is_pending());
    }
    assert!(
        cached(&people, 1).await.is_some(),
        "not before the write is over"
    );
    drop((save, remove));
    assert_eq!(
        (cached(&people, 1).await, cached(&people, 2).await),
        (None, None)
    );
}

#[tokio::test]
async fn an_aborted_write_invalidates_over_a_backend_that_has_to_be_awaited() {
    let cache = CacheService::new(ByteBackend::default());
    cache.put(named(1, "old")).await.unwrap();
    let service = cache.clone();
    let writing = tokio::spawn(async move {
        service
            .evict_with::<Person, (), _>(&1, std::future::pending)
            .await;
    });
    settle().await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    settle().await;
    assert_eq!(cache.look_up::<Person>(&1).await.unwrap(), Found::Miss);
}

#[tokio::test]
async fn a_write_that_panics_invalidates() {
    let people = people();
    people.find(1).await.unwrap();
    let cache = people.cache.clone();
    let writing = tokio::spawn(async move {
        cache
            .put_with(&1, async || -> Result<Person, Error> { panic!("a bug") })
            .await
    });
    assert!(writing.await.unwrap_err().is_panic());
    assert_eq!(cached(&people, 1).await, None);
}

#[tokio::test]
async fn of_two_writes_that_overlap_neither_is_believed() {
    let people = people();
    people.find(1).await.unwrap();
    people.close_gate();
    let first = tokio::spawn({
        let people = people.clone();
        async move { people.save(named(1, "first")).await }
    });
    let second = tokio::spawn({
        let people = people.clone();
        async move { people.save(named(1, "second")).await }
    });
    settle().await;
    people.open_gate();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(cached(&people, 1).await, None);
    assert_eq!(people.find(1).await.unwrap().unwrap().name, "second");
}

/// Every way in which a write can know its key.
struct Writer {
    cache: CacheService<InMemoryBackend>,
}

type Written<T> = Result<T, RepositoryError>;

fn job(person_id: &str, year: i32) -> Employment {
    Employment {
        person_id: person_id.into(),
        year,
        employer: "new".into(),
        salary: 1.0,
    }
}

impl Writer {
    #[cache_put]
    async fn by_reference(&self, employment: &Employment) -> Written<Employment> {
        Ok(employment.clone())
    }

    #[cache_put]
    async fn by_arc(&self, employment: Arc<Employment>) -> Written<Arc<Employment>> {
        Ok(employment)
    }

    #[cache_put]
    async fn by_named_parameters(
        &self,
        note: &str,
        year: i32,
        person_id: &str,
    ) -> Written<Option<Employment>> {
        assert!(!note.is_empty());
        Ok(Some(job(person_id, year)))
    }

    #[cache_put(key = (person_id = who, year = *when))]
    async fn by_key(&self, who: &str, when: &i32) -> Written<Employment> {
        Ok(job(who, *when))
    }

    #[cache_put]
    async fn generated(&self, employer: &str) -> Written<Employment> {
        Ok(Employment {
            employer: employer.into(),
            ..job("p", 1)
        })
    }

    #[cache_put]
    async fn moved(&self, employment: Employment) -> Written<Employment> {
        Ok(Employment {
            year: employment.year + 1,
            ..employment
        })
    }

    #[cache_put]
    async fn removed_after_all(&self, employment: &Employment) -> Written<Option<Employment>> {
        let _ = employment;
        Ok(None)
    }

    #[cache_put]
    async fn invalid(&mut self, person: Person) -> Person {
        person
    }

    #[cache_evict(entity = Employment)]
    async fn evict_by_parts(&self, person_id: &str, year: i32) -> Written<()> {
        Ok(())
    }

    #[cache_evict(entity = Employment)]
    async fn evict_by_entity(&self, employment: &Employment) {
        let _ = employment;
    }

    #[cache_evict(entity = Employment)]
    async fn evict_by_key_type(&self, key: &EmploymentKey) {
        let _ = key;
    }

    #[cache_evict(entity = Employment, skip(reason))]
    async fn evict_with_a_reason(&self, person_id: String, year: i32, reason: &str) -> usize {
        reason.len()
    }
}

async fn writer() -> (Writer, EmploymentKey) {
    let cache = CacheService::new(InMemoryBackend::new());
    for year in [1, 2] {
        cache
            .put(Employment {
                employer: "old".into(),
                ..job("p", year)
            })
            .await
            .unwrap();
    }
    (Writer { cache }, EmploymentKey::new("p", 1))
}

async fn employer(writer: &Writer, key: &EmploymentKey) -> Option<String> {
    writer
        .cache
        .get::<Employment>(key)
        .await
        .unwrap()
        .map(|employment| employment.employer.clone())
}

#[tokio::test]
async fn the_key_of_a_put_is_found_wherever_it_is() {
    let (writer, key) = writer().await;
    let new = Some("new".to_owned());
    writer.by_reference(&job("p", 1)).await.unwrap();
    assert_eq!(employer(&writer, &key).await, new);
    writer.cache.invalidate::<Employment>(&key).await.unwrap();
    writer.by_arc(Arc::new(job("p", 1))).await.unwrap();
    assert_eq!(employer(&writer, &key).await, new);
    writer.cache.invalidate::<Employment>(&key).await.unwrap();
    writer.by_named_parameters("a note", 1, "p").await.unwrap();
    assert_eq!(employer(&writer, &key).await, new);
    writer.cache.invalidate::<Employment>(&key).await.unwrap();
    writer.by_key("p", &1).await.unwrap();
    assert_eq!(employer(&writer, &key).await, new);
}

#[tokio::test]
async fn a_key_that_is_known_only_afterwards_invalidates_and_stores_nothing() {
    let (writer, key) = writer().await;
    writer.generated("new").await.unwrap();
    assert_eq!(employer(&writer, &key).await, None);
}

#[tokio::test]
async fn an_entity_that_comes_back_with_another_key_invalidates_both() {
    let (writer, key) = writer().await;
    writer.moved(job("p", 1)).await.unwrap();
    assert_eq!(employer(&writer, &key).await, None);
    assert_eq!(employer(&writer, &EmploymentKey::new("p", 2)).await, None);
}

#[tokio::test]
async fn a_put_that_returns_nothing_invalidates() {
    let (writer, key) = writer().await;
    writer.removed_after_all(&job("p", 1)).await.unwrap();
    assert_eq!(employer(&writer, &key).await, None);
}

#[tokio::test]
async fn a_put_method_may_take_itself_mutably() {
    let (mut writer, _) = writer().await;
    writer.invalid(named(7, "seven")).await;
    assert_eq!(
        writer.cache.get::<Person>(&7).await.unwrap().unwrap().name,
        "seven"
    );
}

#[tokio::test]
async fn the_key_of_an_eviction_is_found_wherever_it_is() {
    let (writer, key) = writer().await;
    let restore = || writer.cache.put(job("p", 1));
    writer.evict_by_parts("p", 1).await.unwrap();
    assert_eq!(employer(&writer, &key).await, None);
    restore().await.unwrap();
    writer.evict_by_entity(&job("p", 1)).await;
    assert_eq!(employer(&writer, &key).await, None);
    restore().await.unwrap();
    writer.evict_by_key_type(&key).await;
    assert_eq!(employer(&writer, &key).await, None);
    restore().await.unwrap();
    assert_eq!(writer.evict_with_a_reason("p".into(), 1, "gone").await, 4);
    assert_eq!(employer(&writer, &key).await, None);
    assert_eq!(
        employer(&writer, &EmploymentKey::new("p", 2)).await,
        Some("old".into()),
        "the other one stays"
    );
}
