//! The entities, and the drafts that clients send of them.

use cache_kit::prelude::*;
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

/// Someone who asks for a loan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow, CacheEntity)]
#[cache(prefix = "borrower", ttl = "10m", key = id, negative_ttl = "30s")]
pub struct Borrower {
    /// What names the borrower, for ever.
    pub id: Uuid,
    /// The name to write on the contract.
    pub name: String,
    /// Where the contract is sent; no two borrowers share one.
    pub email: String,
    /// When the borrower registered.
    pub created_at: DateTime<Utc>,
    /// When the row was written last.
    pub updated_at: DateTime<Utc>,
}

/// Who employed a borrower in a year, and for how much. Its key is a composite: whom and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow, CacheEntity)]
#[cache(prefix = "employment", ttl = "10m", key = (person_id, year), negative_ttl = "30s")]
pub struct Employment {
    /// The borrower.
    pub person_id: Uuid,
    /// The calendar year.
    pub year: i32,
    /// Who paid.
    pub employer: String,
    /// The gross salary of the year, in cents.
    pub salary_cents: i64,
    /// When the row was written last.
    pub updated_at: DateTime<Utc>,
}

/// Is what a client says of a borrower.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BorrowerDraft {
    /// The name to write on the contract.
    pub name: String,
    /// Where the contract is sent.
    pub email: String,
}

/// Is what a client says of an employment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmploymentDraft {
    /// Who pays.
    pub employer: String,
    /// The gross salary of the year, in cents.
    pub salary_cents: i64,
}
