//! The guide's own code.

use cache_kit::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Where somebody worked in a year.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Employment {
    /// Who.
    pub person_id: String,
    /// When.
    pub year: i32,
    /// Where.
    pub employer: String,
    /// For how much.
    pub salary: f64,
}

/// Names an employment.
#[derive(Clone, Eq, PartialEq, Hash, Debug)]
pub struct EmploymentKey {
    /// Who.
    pub person_id: String,
    /// When.
    pub year: i32,
}

impl Display for EmploymentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.person_id, self.year)
    }
}

impl CacheEntity for Employment {
    type Key = EmploymentKey;

    fn cache_key(&self) -> Self::Key {
        EmploymentKey {
            person_id: self.person_id.clone(),
            year: self.year,
        }
    }

    fn cache_prefix() -> &'static str {
        "employment"
    }
}

/// Wants an employment.
pub struct EmploymentFeeder {
    person_id: String,
    year: i32,
    /// What was fed.
    pub employment: Option<Employment>,
}

impl CacheFeed<Employment> for EmploymentFeeder {
    fn entity_id(&mut self) -> EmploymentKey {
        // Both person_id and year become the entity_id
        EmploymentKey {
            person_id: self.person_id.clone(),
            year: self.year,
        }
    }

    fn feed(&mut self, entity: Option<Employment>) {
        self.employment = entity;
    }
}

/// Asks the table; the guide leaves it out.
pub struct EmploymentRepository;

impl Repository<Employment> for EmploymentRepository {
    async fn fetch_by_id(&self, id: &EmploymentKey) -> cache_kit::Result<Option<Employment>> {
        let row = super::row(&id.person_id, id.year);
        Ok(row.map(|(employer, salary)| Employment {
            person_id: id.person_id.clone(),
            year: id.year,
            employer,
            salary,
        }))
    }
}

/// Fetches the employment of a person in a year.
pub async fn fetch_employment(
    expander: &mut CacheExpander<InMemoryBackend>,
    person_id: String,
    year: i32,
) {
    let mut feeder = EmploymentFeeder {
        person_id,
        year,
        employment: None,
    };

    let repository = EmploymentRepository;
    expander
        .with(&mut feeder, &repository, CacheStrategy::Refresh)
        .await
        .ok();

    if let Some(emp) = feeder.employment {
        println!("Employment: {:?}", emp);
    }
}
