//! The rules: who gets which id and when, what is valid, and what must be there.
//!
//! Nothing here knows of SQL or of the cache; a read may have been answered by either.

use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;

use super::error::{Error, Result};
use super::model::{Borrower, BorrowerDraft, Employment, EmploymentDraft};
use super::repository::{BorrowerRepository, EmploymentRepository};
use super::validation;

/// Registers, changes and forgets borrowers.
#[derive(Clone)]
pub struct BorrowerService {
    borrowers: BorrowerRepository,
}

impl BorrowerService {
    /// Serves the borrowers of this repository.
    pub fn new(borrowers: BorrowerRepository) -> Self {
        Self { borrowers }
    }

    /// Finds a borrower.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], or why nobody could be asked.
    pub async fn find(&self, id: Uuid) -> Result<Arc<Borrower>> {
        let borrower = self.borrowers.find(id).await?;
        borrower.ok_or(Error::NotFound("borrower"))
    }

    /// Registers a borrower under a new id.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::Conflict`] where another one has the email address, or why
    /// it could not be written.
    pub async fn register(&self, draft: &BorrowerDraft) -> Result<Borrower> {
        let BorrowerDraft { name, email } = validation::borrower(draft)?;
        let now = Utc::now();
        let borrower = Borrower {
            id: Uuid::now_v7(), // in the order of time: the newest rows lie side by side
            name,
            email,
            created_at: now,
            updated_at: now,
        };
        self.borrowers.insert(&borrower).await
    }

    /// Changes a borrower's name and email address.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Conflict`] where another one has the
    /// email address, or why it could not be written.
    pub async fn change(&self, id: Uuid, draft: &BorrowerDraft) -> Result<Borrower> {
        let draft = validation::borrower(draft)?;
        let changed = self.borrowers.update(id, &draft, Utc::now()).await?;
        changed.ok_or(Error::NotFound("borrower"))
    }

    /// Forgets a borrower and all their employments.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], or why they could not be removed.
    pub async fn remove(&self, id: Uuid) -> Result<()> {
        let was_there = self.borrowers.remove(id).await?;
        was_there.then_some(()).ok_or(Error::NotFound("borrower"))
    }
}

/// Keeps what borrowers earned.
#[derive(Clone)]
pub struct EmploymentService {
    employments: EmploymentRepository,
}

impl EmploymentService {
    /// Serves the employments of this repository.
    pub fn new(employments: EmploymentRepository) -> Self {
        Self { employments }
    }

    /// Finds what a borrower earned in a year.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], or why nobody could be asked.
    pub async fn find(&self, person_id: Uuid, year: i32) -> Result<Arc<Employment>> {
        let employment = self.employments.find(person_id, year).await?;
        employment.ok_or(Error::NotFound("employment"))
    }

    /// Writes what a borrower earned in a year, new or changed.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::NotFound`] where there is no such borrower, or why it could
    /// not be written.
    pub async fn save(
        &self,
        person_id: Uuid,
        year: i32,
        draft: &EmploymentDraft,
    ) -> Result<Employment> {
        let EmploymentDraft {
            employer,
            salary_cents,
        } = validation::employment(year, draft)?;
        let employment = Employment {
            person_id,
            year,
            employer,
            salary_cents,
            updated_at: Utc::now(),
        };
        self.employments.save(&employment).await
    }

    /// Removes what a borrower earned in a year.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], or why it could not be removed.
    pub async fn remove(&self, person_id: Uuid, year: i32) -> Result<()> {
        let was_there = self.employments.remove(person_id, year).await?;
        was_there.then_some(()).ok_or(Error::NotFound("employment"))
    }
}
