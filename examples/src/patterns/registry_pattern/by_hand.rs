//! The guide's own code.

use crate::patterns::staff::{Borrower, Employment, EmploymentRepository};
use cache_kit::{CacheBackend, CacheExpander, CacheStrategy, DataRepository};
use cache_kit::{GenericFeeder, InMemoryBackend};
use std::collections::HashMap;

/// Keeps feeders of any type by name.
pub struct CacheRegistry<B: CacheBackend> {
    /// The cache.
    pub expander: CacheExpander<B>,
    feeders: HashMap<String, Box<dyn std::any::Any>>,
}

impl<B: CacheBackend> CacheRegistry<B> {
    /// Makes an empty registry.
    pub fn new(backend: B) -> Self {
        CacheRegistry {
            expander: CacheExpander::new(backend),
            feeders: HashMap::new(),
        }
    }

    /// Register a feeder by name
    pub fn register_feeder<T: 'static>(&mut self, name: String, feeder: Box<dyn std::any::Any>) {
        self.feeders.insert(name, feeder);
    }

    /// Get a registered feeder
    pub fn get_feeder<T: 'static>(&self, name: &str) -> Option<&T> {
        self.feeders.get(name).and_then(|f| f.downcast_ref::<T>())
    }
}

/// Keeps what was fetched, by type.
#[derive(Default)]
pub struct EntityRegistry {
    /// Employments that were asked for.
    pub employment_feeders: Vec<(String, Option<Employment>)>,
    /// Borrowers that were asked for.
    pub borrower_feeders: Vec<(String, Option<Borrower>)>,
}

impl EntityRegistry {
    /// Makes an empty registry.
    pub fn new() -> Self {
        EntityRegistry {
            employment_feeders: Vec::new(),
            borrower_feeders: Vec::new(),
        }
    }

    /// Fetches employments, one by one.
    pub async fn fetch_employment_batch(
        &mut self,
        expander: &mut CacheExpander<InMemoryBackend>,
        ids: Vec<String>,
        repository: &dyn DataRepository<Employment>,
    ) {
        for id in ids {
            let mut feeder = GenericFeeder::<Employment>::new(id.clone());
            expander
                .with(&mut feeder, repository, CacheStrategy::Refresh)
                .await
                .ok();
            self.employment_feeders.push((id, feeder.entity));
        }
    }

    /// Fetches borrowers, one by one.
    pub async fn fetch_borrower_batch(
        &mut self,
        expander: &mut CacheExpander<InMemoryBackend>,
        ids: Vec<String>,
        repository: &dyn DataRepository<Borrower>,
    ) {
        for id in ids {
            let mut feeder = GenericFeeder::<Borrower>::new(id.clone());
            expander
                .with(&mut feeder, repository, CacheStrategy::Refresh)
                .await
                .ok();
            self.borrower_feeders.push((id, feeder.entity));
        }
    }
}

/// Fetches three employments, and prints them.
pub async fn batch_fetch_entities() {
    let backend = InMemoryBackend::new();
    let mut expander = CacheExpander::new(backend);
    let mut registry = EntityRegistry::new();

    let employment_repo = EmploymentRepository;
    let ids = vec![
        "emp_1".to_string(),
        "emp_2".to_string(),
        "emp_3".to_string(),
    ];

    registry
        .fetch_employment_batch(&mut expander, ids, &employment_repo)
        .await;

    for (id, employment) in registry.employment_feeders.iter() {
        if let Some(emp) = employment {
            println!("Employment {}: {:?}", id, emp);
        }
    }
}
