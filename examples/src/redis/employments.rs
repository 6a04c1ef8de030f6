//! Employments: a table, and a repository that caches its rows in Redis.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cache_kit::prelude::*;

/// Who employed whom in a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", ttl = "1h", key = (person_id, year))]
pub struct Employment {
    /// Who was employed.
    pub person_id: String,
    /// When.
    pub year: i32,
    /// By whom.
    pub employer: String,
}

/// The table that all processes share, which counts its queries.
#[derive(Clone, Default)]
pub struct Table(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    rows: HashMap<EmploymentKey, Employment>,
    queries: usize,
}

impl Table {
    /// Counts the queries that rows were read with.
    pub fn queries(&self) -> usize {
        self.with(|table| table.queries)
    }

    fn select(&self, keys: &[EmploymentKey]) -> Vec<Employment> {
        self.with(|table| {
            table.queries += 1;
            let found = keys.iter().filter_map(|key| table.rows.get(key));
            found.cloned().collect()
        })
    }

    fn upsert(&self, row: Employment) {
        self.with(|table| table.rows.insert(row.cache_key(), row));
    }

    fn with<R>(&self, work: impl FnOnce(&mut Rows) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one process reads and writes employments with.
#[derive(Clone)]
pub struct Employments {
    table: Table,
    cache: CacheService<RedisBackend>,
}

impl Employments {
    /// Reads and writes a table, through a cache.
    pub fn new(table: &Table, cache: CacheService<RedisBackend>) -> Self {
        let table = table.clone();
        Self { table, cache }
    }

    /// Finds one.
    ///
    /// # Errors
    ///
    /// None here; a real table has some.
    #[cached]
    pub async fn find(
        &self,
        person_id: &str,
        year: i32,
    ) -> Result<Option<Employment>, cache_kit::Error> {
        let key = EmploymentKey::new(person_id, year);
        Ok(self.table.select(&[key]).pop())
    }

    /// Finds many: one read of the cache, one query for what it does not have.
    ///
    /// # Errors
    ///
    /// None here; a real table has some.
    pub async fn find_many(
        &self,
        keys: &[EmploymentKey],
    ) -> cache_kit::Result<Vec<Option<Arc<Employment>>>> {
        let load = |missing: Vec<EmploymentKey>| async move {
            Ok::<_, cache_kit::Error>(self.table.select(&missing))
        };
        self.cache.get_or_load_many(keys, load).await
    }

    /// Writes one. What is returned takes the place of what is cached.
    ///
    /// # Errors
    ///
    /// None here; a real table has some.
    #[cache_put]
    pub async fn save(&self, employment: Employment) -> Result<Employment, cache_kit::Error> {
        self.table.upsert(employment.clone());
        Ok(employment)
    }

    /// Returns the cache.
    pub fn cache(&self) -> &CacheService<RedisBackend> {
        &self.cache
    }
}

/// Makes a row.
pub fn employment(person_id: &str, year: i32, employer: &str) -> Employment {
    Employment {
        person_id: person_id.to_owned(),
        year,
        employer: employer.to_owned(),
    }
}
