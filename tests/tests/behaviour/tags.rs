//! What carries a tag is dropped with it, whatever its type, and also if it is loaded while the tag
//! is dropped.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Cached, Error};
use cache_kit_tests::settle;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Tagged by a field of the key, and by one that is known only when it is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(
    prefix = "employment",
    ttl = "1h",
    negative_ttl = "1m",
    key = (person_id, year),
    tags = ["person:{person_id}", "employer:{employer}", "{{all}}"]
)]
struct Employment {
    person_id: u64,
    year: i32,
    employer: String,
}

/// Tagged by its only fields, one of them named by a keyword.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "badge", key = 0, tags = ["person:{0}", "kind:{1}"])]
struct Badge(u64, String);

/// Tagged by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Salary {
    id: u64,
    r#type: String,
}

impl CacheEntity for Salary {
    const TAGGED: bool = true;
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "salary"
    }
    fn cache_tags(&self) -> Vec<String> {
        vec![format!("type:{}", self.r#type)]
    }
}

/// An entity without tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "report", negative_ttl = "1m", key = id)]
struct Report {
    id: u64,
}

#[derive(Clone)]
struct Db<B: CacheBackend> {
    cache: CacheService<B>,
    loads: Arc<AtomicU64>,
    is_held: Arc<watch::Sender<bool>>,
}

impl<B: CacheBackend> Db<B> {
    async fn load(&self) {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let mut is_held = self.is_held.subscribe();
        let _ = is_held.wait_for(|is_held| !is_held).await;
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    #[cached]
    async fn find(&self, person_id: u64, year: i32) -> Result<Option<Employment>, Error> {
        self.load().await;
        Ok((year < 3000).then(|| employment(person_id, year)))
    }

    #[cached(tags = ["owner:{owner}", "reports"], skip(owner))]
    async fn report(&self, id: u64, owner: &str) -> Option<Report> {
        let _ = owner;
        self.load().await;
        (id < 100).then_some(Report { id })
    }

    #[cached(tags = ["reports"])]
    async fn decide(&self, id: u64) -> Result<Cached<Report>, Error> {
        self.load().await;
        Ok(Cached::new(Report { id }).tags([format!("report:{id}"), "reports".to_owned()]))
    }

    #[cache_put]
    async fn save(&self, employment: Employment) -> Result<Employment, Error> {
        self.load().await;
        Ok(employment)
    }

    #[cache_evict(tags = ["employer:{employer}", "owner:{employer}"])]
    async fn rename(&self, employer: String) -> String {
        self.load().await;
        employer
    }

    #[cache_evict(entity = Employment, tags = ["reports"])]
    async fn remove(&self, person_id: u64, year: i32) -> Result<(), Error> {
        self.load().await;
        if year < 0 {
            return Err(Error::RepositoryError("no such year".into()));
        }
        let _ = person_id;
        Ok(())
    }

    #[cache_evict(entity = Employment, all)]
    async fn truncate(&self) {
        self.load().await;
    }

    async fn has(&self, person_id: u64, year: i32) -> bool {
        let key = EmploymentKey::new(person_id, year);
        self.cache.get::<Employment>(&key).await.unwrap().is_some()
    }

    async fn has_report(&self, id: u64) -> bool {
        self.cache.get::<Report>(&id).await.unwrap().is_some()
    }
}

fn employment(person_id: u64, year: i32) -> Employment {
    let employer = if person_id < 10 { "Acme" } else { "Globex" };
    Employment {
        person_id,
        year,
        employer: employer.to_owned(),
    }
}

fn db<B: CacheBackend>(cache: CacheService<B>) -> Db<B> {
    Db {
        cache,
        loads: Arc::default(),
        is_held: Arc::default(),
    }
}

macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn in_memory() {
                super::$name(db(CacheService::new(InMemoryBackend::new()))).await;
            }

            #[tokio::test]
            async fn in_bytes() {
                super::$name(db(CacheService::new(ByteBackend::default()))).await;
            }

            #[tokio::test]
            async fn in_any_with_a_namespace() {
                let backend = AnyBackend::new(ByteBackend::default());
                let builder = CacheService::builder(backend).namespace("billing");
                super::$name(db(builder.build().unwrap())).await;
            }
        }
    )*};
}

on_each_store! {
    a_tag_drops_what_carries_it_and_nothing_else
    tags_are_shared_by_types
    what_is_loaded_while_its_tag_is_dropped_is_not_stored
    who_comes_after_a_tag_was_dropped_shares_no_load_from_before
    what_is_written_while_its_tag_is_dropped_is_not_believed
    functions_have_tags_of_their_own
    a_load_can_say_tags
    absences_have_the_tags_of_their_functions
    batches_have_tags
    an_eviction_drops_tags
    an_eviction_that_fails_or_is_dropped_drops_them_too
    all_of_an_entity_can_be_evicted
    a_namespace_can_be_cleared
    a_tag_may_be_any_text
}

async fn a_tag_drops_what_carries_it_and_nothing_else<B: CacheBackend>(db: Db<B>) {
    for (person, year) in [(1, 2000), (1, 2001), (2, 2000), (11, 2000)] {
        db.find(person, year).await.unwrap();
    }
    db.cache.invalidate_tag("person:1").await.unwrap();
    assert!(!db.has(1, 2000).await && !db.has(1, 2001).await);
    assert!(db.has(2, 2000).await && db.has(11, 2000).await);
    db.cache.invalidate_tag("employer:Acme").await.unwrap();
    assert!(!db.has(2, 2000).await && db.has(11, 2000).await);
    db.cache.invalidate_tag("{all}").await.unwrap();
    assert!(!db.has(11, 2000).await);
    let loads = db.loads();
    db.find(1, 2000).await.unwrap();
    db.find(1, 2000).await.unwrap();
    assert_eq!(db.loads(), loads + 1, "it is stored again");
}

async fn tags_are_shared_by_types<B: CacheBackend>(db: Db<B>) {
    db.find(1, 2000).await.unwrap();
    db.cache.put(Badge(1, "gold".to_owned())).await.unwrap();
    let salary = Salary {
        id: 1,
        r#type: "gold".to_owned(),
    };
    db.cache.put(Arc::new(salary)).await.unwrap();
    let badge = async || db.cache.get::<Badge>(&1).await.unwrap().is_some();
    let salary = async || db.cache.get::<Salary>(&1).await.unwrap().is_some();
    assert!(db.has(1, 2000).await && badge().await && salary().await);
    db.cache.invalidate_tag("person:1").await.unwrap();
    assert!(!db.has(1, 2000).await && !badge().await && salary().await);
    db.cache.invalidate_tag("type:gold").await.unwrap();
    assert!(!salary().await);
}

async fn what_is_loaded_while_its_tag_is_dropped_is_not_stored<B: CacheBackend>(db: Db<B>) {
    for tag in ["person:1", "employer:Acme"] {
        db.is_held.send_replace(true);
        let loading = tokio::spawn({
            let db = db.clone();
            async move { db.find(1, 2000).await }
        });
        settle().await;
        db.cache.invalidate_tag(tag).await.unwrap();
        db.is_held.send_replace(false);
        assert!(loading.await.unwrap().unwrap().is_some());
        assert!(!db.has(1, 2000).await, "{tag}");
    }
    assert_eq!(db.cache.stats().superseded_fills, 2);
}

async fn who_comes_after_a_tag_was_dropped_shares_no_load_from_before<B: CacheBackend>(db: Db<B>) {
    db.is_held.send_replace(true);
    let find = || {
        let db = db.clone();
        tokio::spawn(async move { db.find(1, 2000).await })
    };
    let first = find();
    settle().await;
    db.cache.invalidate_tag("person:1").await.unwrap();
    let second = find();
    settle().await;
    assert_eq!(db.loads(), 2);
    db.is_held.send_replace(false);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

async fn what_is_written_while_its_tag_is_dropped_is_not_believed<B: CacheBackend>(db: Db<B>) {
    db.find(1, 2000).await.unwrap();
    db.is_held.send_replace(true);
    let writing = tokio::spawn({
        let db = db.clone();
        async move { db.save(employment(1, 2000)).await }
    });
    settle().await;
    db.cache.invalidate_tag("employer:Acme").await.unwrap();
    db.is_held.send_replace(false);
    writing.await.unwrap().unwrap();
    assert!(!db.has(1, 2000).await);
    db.save(employment(1, 2000)).await.unwrap();
    assert!(db.has(1, 2000).await);
    db.cache.invalidate_tag("person:1").await.unwrap();
    assert!(!db.has(1, 2000).await);
}

async fn functions_have_tags_of_their_own<B: CacheBackend>(db: Db<B>) {
    db.report(1, "ada").await;
    db.report(2, "grace").await;
    db.cache.invalidate_tag("owner:ada").await.unwrap();
    assert!(!db.has_report(1).await && db.has_report(2).await);
    db.cache.invalidate_tag("reports").await.unwrap();
    assert!(!db.has_report(2).await);
    db.is_held.send_replace(true);
    let loading = tokio::spawn({
        let db = db.clone();
        async move { db.report(1, "ada").await }
    });
    settle().await;
    db.cache.invalidate_tag("owner:ada").await.unwrap();
    db.is_held.send_replace(false);
    loading.await.unwrap();
    assert!(!db.has_report(1).await);
}

async fn a_load_can_say_tags<B: CacheBackend>(db: Db<B>) {
    for tag in ["report:1", "reports"] {
        db.decide(1).await.unwrap();
        assert!(db.has_report(1).await);
        db.cache.invalidate_tag(tag).await.unwrap();
        assert!(!db.has_report(1).await);
    }
}

async fn absences_have_the_tags_of_their_functions<B: CacheBackend>(db: Db<B>) {
    let is_known =
        async || db.cache.look_up::<Report>(&404).await.unwrap() == cache_kit::Found::Absent;
    db.report(404, "ada").await;
    assert!(is_known().await);
    db.cache.invalidate_tag("owner:ada").await.unwrap();
    assert!(!is_known().await);
}

async fn batches_have_tags<B: CacheBackend>(db: Db<B>) {
    let keys = [1, 2, 11].map(|person| EmploymentKey::new(person, 2000));
    let load = |keys: Vec<EmploymentKey>| async {
        db.load().await;
        let found = keys
            .into_iter()
            .map(|key| employment(key.person_id, key.year));
        Ok::<_, Error>(found.collect())
    };
    db.cache
        .get_or_load_many::<Employment, _, _>(&keys, load)
        .await
        .unwrap();
    db.cache.invalidate_tag("person:1").await.unwrap();
    assert!(!db.has(1, 2000).await && db.has(2, 2000).await && db.has(11, 2000).await);
    db.is_held.send_replace(true);
    let tagged = async {
        settle().await;
        db.cache.invalidate_tag("person:1").await.unwrap();
        db.is_held.send_replace(false);
    };
    let loaded = db.cache.get_or_load_many::<Employment, _, _>(&keys, load);
    let (loaded, ()) = tokio::join!(loaded, tagged);
    assert_eq!(loaded.unwrap().len(), 3);
    assert!(!db.has(1, 2000).await);
}

async fn an_eviction_drops_tags<B: CacheBackend>(db: Db<B>) {
    db.find(1, 2000).await.unwrap();
    db.find(1, 2001).await.unwrap();
    db.report(1, "Acme").await;
    assert_eq!(db.rename("Acme".to_owned()).await, "Acme");
    assert!(!db.has(1, 2000).await && !db.has_report(1).await);
    db.find(1, 2000).await.unwrap();
    db.find(1, 2001).await.unwrap();
    db.report(1, "ada").await;
    db.remove(1, 2000).await.unwrap();
    assert!(!db.has(1, 2000).await && db.has(1, 2001).await && !db.has_report(1).await);
}

async fn an_eviction_that_fails_or_is_dropped_drops_them_too<B: CacheBackend>(db: Db<B>) {
    db.report(1, "ada").await;
    assert!(db.remove(1, -1).await.is_err());
    assert!(!db.has_report(1).await);
    db.report(1, "ada").await;
    db.is_held.send_replace(true);
    let removing = tokio::spawn({
        let db = db.clone();
        async move { db.remove(1, 2000).await }
    });
    settle().await;
    removing.abort();
    assert!(removing.await.is_err());
    db.cache.run_pending_tasks().await.unwrap();
    assert!(!db.has_report(1).await);
}

async fn all_of_an_entity_can_be_evicted<B: CacheBackend>(db: Db<B>) {
    db.find(1, 2000).await.unwrap();
    db.find(11, 2000).await.unwrap();
    db.report(1, "ada").await;
    db.truncate().await;
    assert!(!db.has(1, 2000).await && !db.has(11, 2000).await && db.has_report(1).await);
}

async fn a_namespace_can_be_cleared<B: CacheBackend>(db: Db<B>) {
    let other = db.cache.to_builder().namespace("other").build().unwrap();
    other.put(Report { id: 1 }).await.unwrap();
    db.find(1, 2000).await.unwrap();
    db.report(1, "ada").await;
    db.is_held.send_replace(true);
    let loading = tokio::spawn({
        let db = db.clone();
        async move { db.report(2, "ada").await }
    });
    settle().await;
    db.cache.clear_namespace().await.unwrap();
    db.is_held.send_replace(false);
    loading.await.unwrap();
    assert!(!db.has(1, 2000).await && !db.has_report(1).await && !db.has_report(2).await);
    assert!(other.get::<Report>(&1).await.unwrap().is_some());
    db.report(1, "ada").await;
    assert!(db.has_report(1).await);
    // Tags are each namespace's own.
    other.invalidate_tag("reports").await.unwrap();
    assert!(db.has_report(1).await);
}

async fn a_tag_may_be_any_text<B: CacheBackend>(db: Db<B>) {
    for owner in ["", " ", "a:b", "{}", "ключ", "\0\r\n", &"x".repeat(10_000)] {
        db.report(1, owner).await;
        assert!(db.has_report(1).await);
        let tag = format!("owner:{owner}");
        db.cache.invalidate_tag(&tag).await.unwrap();
        assert!(!db.has_report(1).await, "{owner:?}");
    }
}

#[tokio::test]
async fn who_has_tags_and_does_not_say_so_is_told() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Silent;

    impl CacheEntity for Silent {
        type Key = u64;
        fn cache_key(&self) -> u64 {
            1
        }
        fn cache_prefix() -> &'static str {
            "silent"
        }
        fn cache_tags(&self) -> Vec<String> {
            vec!["tag".to_owned()]
        }
    }

    let cache = CacheService::new(InMemoryBackend::new());
    let load = || async { Ok::<_, Error>(Some(Silent)) };
    assert!(
        cache
            .get_or_load::<Silent, _, _>(&1, load)
            .await
            .unwrap()
            .is_some()
    );
    assert!(cache.get::<Silent>(&1).await.unwrap().is_none());
    assert_eq!(cache.stats().failures, 1);
    let refused = cache.put(Silent).await;
    assert!(matches!(refused, Err(Error::ConfigError(_))), "{refused:?}");
}
