use cache_kit::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// As many loads at once as a test will have.
const GATE: usize = 1 << 20;

/// An entity with one key field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "person", ttl = "1h", key = id, negative_ttl = "1m")]
pub struct Person {
    /// The key.
    pub id: u64,
    /// What changes.
    pub name: String,
}

/// An entity with two key fields, and without a negative TTL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", ttl = "1h", key = (person_id, year))]
pub struct Employment {
    /// Who.
    pub person_id: String,
    /// When.
    pub year: i32,
    /// Where.
    pub employer: String,
    /// How much.
    pub salary: f64,
}

/// An error that cannot be cloned, nor be made from one of the cache.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database is down")]
pub struct RepositoryError;

/// A repository that counts its loads, can be held back, and can be taken down. Clones share
/// everything.
#[derive(Clone)]
pub struct People {
    /// Where it caches.
    pub cache: CacheService<InMemoryBackend>,
    rows: Arc<Mutex<HashMap<u64, Person>>>,
    loads: Arc<AtomicU64>,
    is_down: Arc<AtomicBool>,
    gate: Arc<Semaphore>,
}

impl People {
    /// Makes a repository with the people 1 to 9, open to everyone.
    #[must_use]
    pub fn new(cache: CacheService<InMemoryBackend>) -> Self {
        let rows = (1..10)
            .map(|id| {
                (
                    id,
                    Person {
                        id,
                        name: format!("person {id}"),
                    },
                )
            })
            .collect();
        Self {
            cache,
            rows: Arc::new(Mutex::new(rows)),
            loads: Arc::default(),
            is_down: Arc::default(),
            gate: Arc::new(Semaphore::new(GATE)),
        }
    }

    /// How often a row was asked for.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// Lets no load end until `open_gate`.
    pub fn close_gate(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    /// Lets loads end, those that wait and those that come.
    pub fn open_gate(&self) {
        self.gate.add_permits(GATE);
    }

    /// Makes every load fail, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Changes a row as another service would: the cache is not told.
    ///
    /// # Panics
    /// If another test thread panicked here.
    pub fn write_behind(&self, id: u64, name: &str) {
        self.rows.lock().expect("no panic").insert(
            id,
            Person {
                id,
                name: name.to_owned(),
            },
        );
    }

    /// Reads a row: the value is as of the beginning, and arrives when the gate lets it.
    ///
    /// # Errors
    /// While the repository is down.
    ///
    /// # Panics
    /// If another test thread panicked here.
    pub async fn load(&self, id: u64) -> Result<Option<Person>, RepositoryError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let row = self.rows.lock().expect("no panic").get(&id).cloned();
        tokio::task::yield_now().await;
        let _open = self.gate.acquire().await.expect("never closed");
        if self.is_down.load(Ordering::SeqCst) {
            Err(RepositoryError)
        } else {
            Ok(row)
        }
    }

    /// Finds through the cache.
    ///
    /// # Errors
    /// While the repository is down.
    #[cached(strategy = Refresh)]
    pub async fn find(&self, id: u64) -> Result<Option<Arc<Person>>, RepositoryError> {
        Ok(self.load(id).await?.map(Arc::new))
    }

    /// Finds as a strategy says.
    ///
    /// # Errors
    /// While the repository is down.
    #[cached(strategy = strategy)]
    pub async fn find_by(
        &self,
        id: u64,
        strategy: CacheStrategy,
    ) -> Result<Option<Arc<Person>>, RepositoryError> {
        Ok(self.load(id).await?.map(Arc::new))
    }

    /// Writes a row, and the entry with it.
    ///
    /// # Errors
    /// While the repository is down; the row may have been written all the same.
    ///
    /// # Panics
    /// If another test thread panicked here.
    #[cache_put]
    pub async fn save(&self, person: Person) -> Result<Person, RepositoryError> {
        self.rows
            .lock()
            .expect("no panic")
            .insert(person.id, person.clone());
        tokio::task::yield_now().await;
        let _open = self.gate.acquire().await.expect("never closed");
        if self.is_down.load(Ordering::SeqCst) {
            Err(RepositoryError)
        } else {
            Ok(person)
        }
    }

    /// Removes a row, and the entry with it.
    ///
    /// # Errors
    /// While the repository is down; the row may have been removed all the same.
    ///
    /// # Panics
    /// If another test thread panicked here.
    #[cache_evict(entity = Person)]
    pub async fn remove(&self, id: u64) -> Result<(), RepositoryError> {
        self.rows.lock().expect("no panic").remove(&id);
        tokio::task::yield_now().await;
        let _open = self.gate.acquire().await.expect("never closed");
        if self.is_down.load(Ordering::SeqCst) {
            Err(RepositoryError)
        } else {
            Ok(())
        }
    }
}
