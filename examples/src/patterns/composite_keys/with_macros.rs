//! The same, declared.

use cache_kit::prelude::*;

/// Where somebody worked in a year.
#[derive(Clone, Serialize, Deserialize, Debug, CacheEntity)]
#[cache(prefix = "employment", key = (person_id, year))]
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

/// The table, behind a cache.
pub struct Employments {
    /// Where it caches.
    pub cache: CacheService<InMemoryBackend>,
}

impl Employments {
    /// Finds the employment of a person in a year.
    #[cached]
    pub async fn find(&self, person_id: &str, year: i32) -> Option<Employment> {
        let row = super::row(person_id, year);
        row.map(|(employer, salary)| Employment {
            person_id: person_id.to_owned(),
            year,
            employer,
            salary,
        })
    }
}

/// Fetches the employment of a person in a year.
pub async fn fetch_employment(employments: &Employments, person_id: &str, year: i32) {
    if let Some(emp) = employments.find(person_id, year).await {
        println!("Employment: {emp:?}");
    }
}
