//! What the README shows, over an embedded `SQLite`. A test compares the two, word for word.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "shown as a service would write it"
)]

use sqlx::sqlite::SqlitePoolOptions;

// README: employments
use cache_kit::prelude::*;
use sqlx::SqlitePool;

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity, sqlx::FromRow)]
#[cache(prefix = "employment", ttl = "1h", key = (person_id, year))]
pub struct Employment {
    pub person_id: String,
    pub year: i32,
    pub employer: String,
    pub salary: f64,
}

pub struct Employments {
    db: SqlitePool,
    cache: CacheService<InMemoryBackend>,
}

impl Employments {
    #[cached(strategy = Refresh)]
    pub async fn find(
        &self,
        person_id: &str,
        year: i32,
    ) -> Result<Option<Employment>, sqlx::Error> {
        sqlx::query_as("select * from employment where person_id = ? and year = ?")
            .bind(person_id)
            .bind(year)
            .fetch_optional(&self.db)
            .await
    }

    #[cache_put] // the returned entity replaces the entry
    pub async fn save(&self, employment: Employment) -> Result<Employment, sqlx::Error> {
        sqlx::query("insert or replace into employment values (?, ?, ?, ?)")
            .bind(&employment.person_id)
            .bind(employment.year)
            .bind(&employment.employer)
            .bind(employment.salary)
            .execute(&self.db)
            .await?;
        Ok(employment)
    }

    #[cache_evict(entity = Employment)] // by the same key parameters
    pub async fn remove(&self, person_id: &str, year: i32) -> Result<(), sqlx::Error> {
        sqlx::query("delete from employment where person_id = ? and year = ?")
            .bind(person_id)
            .bind(year)
            .execute(&self.db)
            .await?;
        Ok(())
    }
}
// README: end

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

async fn by_hand() -> cache_kit::Result<()> {
    // README: by hand
    let cache = CacheService::builder(InMemoryBackend::builder().capacity(10_000).build()?)
        .namespace("billing")
        .flight_deadline(std::time::Duration::from_secs(10))
        .build()?;

    let ids = [3, 1, 2, 3];
    let users = cache
        .get_or_load_many(&ids, |missing: Vec<u64>| async move {
            // one query for what is missing: here 3, 1 and 2
            Ok::<_, cache_kit::Error>(missing.into_iter().map(|id| User { id }).collect())
        })
        .await?;
    assert_eq!(users.len(), 4);
    assert_eq!(users[0], users[3]);
    // README: end
    Ok(())
}

// README: redis
async fn shared_cache() -> cache_kit::Result<CacheService<RedisBackend>> {
    let config = RedisConfig::from_env()?; // REDIS_URL=redis://localhost:6379
    let backend = RedisBackend::new(config)?;
    backend.connect().await?; // fails now, if at all; without it the first call connects
    CacheService::builder(backend).namespace("billing").build()
}
// README: end

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let db = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await?;
    sqlx::query(
        "create table employment (person_id text, year integer, employer text, salary real)",
    )
    .execute(&db)
    .await?;
    let employments = Employments {
        db,
        cache: CacheService::new(InMemoryBackend::new()),
    };

    let employment = Employment {
        person_id: "p1".into(),
        year: 2024,
        employer: "Analytical Engines".into(),
        salary: 1.0,
    };
    employments.save(employment).await?;
    for _ in 0..3 {
        let found = employments.find("p1", 2024).await?;
        println!(
            "{}",
            found.map_or_else(|| "nobody".to_owned(), |found| found.employer)
        );
    }
    employments.remove("p1", 2024).await?;
    anyhow::ensure!(
        employments.find("p1", 2024).await?.is_none(),
        "a removal is seen at once"
    );
    by_hand().await?;
    println!("{:?}", employments.cache.stats());
    if std::env::var_os("REDIS_URL").is_some() {
        shared_cache().await?.health().await?;
    }
    Ok(())
}
