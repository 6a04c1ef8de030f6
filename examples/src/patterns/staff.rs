//! The entities of patterns that are not about entities, and where they come from.

use cache_kit::Result;
use cache_kit::prelude::*;

/// Where the employments of the table are.
const EMPLOYERS: [&str; 3] = ["Analytical Engines", "Difference & Sons", "Loom Works"];

/// Somebody's employment. The guide names it by an id such as `emp_1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", key = id)]
pub struct Employment {
    /// The key.
    pub id: String,
    /// Who pays.
    pub employer: String,
    /// How much, in a year.
    pub salary: f64,
}

/// Somebody who borrows, by an id such as `bor_1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "borrower", key = id)]
pub struct Borrower {
    /// The key.
    pub id: String,
    /// What is owed.
    pub debt: f64,
}

/// The table of employments: `emp_1` to `emp_20`.
#[derive(Clone, Copy, Debug)]
pub struct EmploymentRepository;

/// The table of borrowers: `bor_1` to `bor_20`.
#[derive(Clone, Copy, Debug)]
pub struct BorrowerRepository;

impl Repository<Employment> for EmploymentRepository {
    async fn fetch_by_id(&self, id: &String) -> Result<Option<Employment>> {
        Ok(number(id, "emp_").map(|number| Employment {
            id: id.clone(),
            employer: EMPLOYERS[usize::from(number) % EMPLOYERS.len()].to_owned(),
            salary: 30_000.0 + 500.0 * f64::from(number),
        }))
    }

    /// One query, as `where id in (…)` is one.
    async fn fetch_by_ids(&self, ids: &[String]) -> Result<Vec<Employment>> {
        let mut employments = Vec::new();
        for id in ids {
            employments.extend(self.fetch_by_id(id).await?);
        }
        Ok(employments)
    }
}

impl Repository<Borrower> for BorrowerRepository {
    async fn fetch_by_id(&self, id: &String) -> Result<Option<Borrower>> {
        Ok(number(id, "bor_").map(|number| Borrower {
            id: id.clone(),
            debt: 1_000.0 * f64::from(number),
        }))
    }
}

/// Returns the number of an id that is in a table.
fn number(id: &str, table: &str) -> Option<u8> {
    let number = id.strip_prefix(table)?.parse().ok()?;
    (1..=20).contains(&number).then_some(number)
}

/// Returns the ids of the first employments.
pub fn employment_ids(count: u8) -> Vec<String> {
    (1..=count).map(|number| format!("emp_{number}")).collect()
}
