use std::sync::Arc;

use cache_kit::prelude::*;
use chrono::{DateTime, Utc};
use sqlx::SqlitePool;
use uuid::Uuid;

use crate::application::error::{Error, Result};
use crate::application::model::{Borrower, BorrowerDraft, Employment, EmploymentKey};

/// Borrowers, behind a cache.
#[derive(Clone)]
pub struct BorrowerRepository {
    db: SqlitePool,
    cache: CacheService<InMemoryBackend>,
}

impl BorrowerRepository {
    /// Puts a cache in front of the table.
    pub fn new(db: SqlitePool, cache: CacheService<InMemoryBackend>) -> Self {
        Self { db, cache }
    }

    /// Finds a borrower. That there is none is remembered too.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached]
    pub async fn find(&self, id: Uuid) -> Result<Option<Arc<Borrower>>> {
        let borrower = sqlx::query_as("select * from borrower where id = ?")
            .bind(id)
            .fetch_optional(&self.db)
            .await?;
        Ok(borrower.map(Arc::new))
    }

    /// Inserts a borrower. What is returned becomes the entry.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] where another one has the email address, or when the statement fails.
    #[cache_put]
    pub async fn insert(&self, borrower: &Borrower) -> Result<Borrower> {
        sqlx::query_as(
            "insert into borrower (id, name, email, created_at, updated_at)
             values (?, ?, ?, ?, ?) returning *",
        )
        .bind(borrower.id)
        .bind(&borrower.name)
        .bind(&borrower.email)
        .bind(borrower.created_at)
        .bind(borrower.updated_at)
        .fetch_one(&self.db)
        .await
        .map_err(email_taken)
    }

    /// Changes a borrower; `None` if there is none. What is returned replaces the entry.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] where another one has the email address, or when the statement fails.
    #[cache_put]
    pub async fn update(
        &self,
        id: Uuid, // the key, for that is what the key field is called
        draft: &BorrowerDraft,
        now: DateTime<Utc>,
    ) -> Result<Option<Borrower>> {
        sqlx::query_as(
            "update borrower set name = ?, email = ?, updated_at = ? where id = ? returning *",
        )
        .bind(&draft.name)
        .bind(&draft.email)
        .bind(now)
        .bind(id)
        .fetch_optional(&self.db)
        .await
        .map_err(email_taken)
    }

    /// Removes a borrower and all their employments; says whether there was one.
    ///
    /// # Errors
    ///
    /// When the transaction fails; the entries are gone then, for the rows may be.
    pub async fn remove(&self, id: Uuid) -> Result<bool> {
        self.cache
            .evict_with::<Borrower, _, _>(&id, || self.remove_with_employments(id))
            .await
    }

    /// Removes the rows in one transaction, and evicts the employments that were among them.
    async fn remove_with_employments(&self, id: Uuid) -> Result<bool> {
        let mut transaction = self.db.begin().await?;
        let years: Vec<i32> =
            sqlx::query_scalar("delete from employment where person_id = ? returning year")
                .bind(id)
                .fetch_all(&mut *transaction)
                .await?;
        let removed = sqlx::query("delete from borrower where id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;

        // Commit first, then evict: before the commit a reader would load the old row again. And
        // evict whatever the commit says: one whose answer was lost may have happened.
        let committed = transaction.commit().await;
        let keys: Vec<_> = years
            .into_iter()
            .map(|year| EmploymentKey::new(id, year))
            .collect();
        let evicted = self.cache.invalidate_many::<Employment>(&keys).await;
        committed?;
        evicted?;
        Ok(removed.rows_affected() > 0)
    }
}

/// Tells a taken email address from other failures.
fn email_taken(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(fault) if fault.is_unique_violation() => {
            Error::Conflict("another borrower has this email address")
        }
        _ => error.into(),
    }
}
