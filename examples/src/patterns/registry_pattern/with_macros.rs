//! The same with the registry that cache-kit ships.

use crate::patterns::staff::{Borrower, BorrowerFeeder, BorrowerRepository};
use crate::patterns::staff::{Employment, EmploymentFeeder, EmploymentRepository};
use cache_kit::prelude::*;

/// Registers where entities come from, and how their feeders are made.
///
/// # Errors
/// If something is registered twice.
pub fn registry(
    employments: impl DataRepository<Employment> + 'static,
    borrowers: impl DataRepository<Borrower> + 'static,
) -> cache_kit::Result<CacheRegistry<InMemoryBackend>> {
    CacheRegistry::builder(CacheService::new(InMemoryBackend::new()))
        .repository::<Employment>(employments)
        .repository::<Borrower>(borrowers)
        .feeder::<Employment, _>(EmploymentFeeder::new)
        .feeder::<Borrower, _>(BorrowerFeeder::new)
        .build()
}

/// Fetches three employments, and prints them.
///
/// # Errors
/// When the repository fails.
pub async fn batch_fetch_entities() -> cache_kit::Result<()> {
    let registry = registry(EmploymentRepository, BorrowerRepository)?;
    let ids = ["emp_1", "emp_2", "emp_3"].map(str::to_string);

    for (id, employment) in ids
        .iter()
        .zip(registry.fetch_many::<Employment>(&ids).await)
    {
        if let Some(emp) = employment? {
            println!("Employment {id}: {emp:?}");
        }
    }
    Ok(())
}
