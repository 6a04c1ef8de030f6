use std::sync::Arc;

use cache_kit::prelude::*;
use sqlx::SqlitePool;
use uuid::Uuid;

use crate::application::error::{Error, Result};
use crate::application::model::Employment;

/// Employments, behind a cache.
#[derive(Clone)]
pub struct EmploymentRepository {
    db: SqlitePool,
    cache: CacheService<InMemoryBackend>,
}

impl EmploymentRepository {
    /// Puts a cache in front of the table.
    pub fn new(db: SqlitePool, cache: CacheService<InMemoryBackend>) -> Self {
        Self { db, cache }
    }

    /// Finds what a borrower earned in a year. That there is nothing is remembered too.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached]
    pub async fn find(&self, person_id: Uuid, year: i32) -> Result<Option<Arc<Employment>>> {
        let employment =
            sqlx::query_as("select * from employment where person_id = ? and year = ?")
                .bind(person_id)
                .bind(year)
                .fetch_optional(&self.db)
                .await?;
        Ok(employment.map(Arc::new))
    }

    /// Writes an employment, new or changed. What is returned replaces the entry.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where there is no such borrower, or when the statement fails.
    #[cache_put]
    pub async fn save(&self, employment: &Employment) -> Result<Employment> {
        sqlx::query_as(
            "insert into employment (person_id, year, employer, salary_cents, updated_at)
             values (?, ?, ?, ?, ?)
             on conflict (person_id, year) do update set
                employer = excluded.employer,
                salary_cents = excluded.salary_cents,
                updated_at = excluded.updated_at
             returning *",
        )
        .bind(employment.person_id)
        .bind(employment.year)
        .bind(&employment.employer)
        .bind(employment.salary_cents)
        .bind(employment.updated_at)
        .fetch_one(&self.db)
        .await
        .map_err(borrower_absent)
    }

    /// Removes an employment, and its entry with it; says whether there was one.
    ///
    /// # Errors
    ///
    /// When the statement fails; the entry is gone then, for the row may be.
    #[cache_evict(entity = Employment)]
    pub async fn remove(&self, person_id: Uuid, year: i32) -> Result<bool> {
        let removed = sqlx::query("delete from employment where person_id = ? and year = ?")
            .bind(person_id)
            .bind(year)
            .execute(&self.db)
            .await?;
        Ok(removed.rows_affected() > 0)
    }
}

/// Tells an employment of nobody from other failures.
fn borrower_absent(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(fault) if fault.is_foreign_key_violation() => Error::NotFound("borrower"),
        _ => error.into(),
    }
}
