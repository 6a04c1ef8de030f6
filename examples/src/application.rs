//! A lending backend as teams write it: HTTP in front, `SQLite` behind, and a cache that only the
//! repositories know.
//!
//! | module | knows | what to copy from it |
//! | --- | --- | --- |
//! | [`http`] | services | routes and handlers; a write runs to its end, whoever hangs up |
//! | [`service`] | repositories | the rules: ids, timestamps, what is valid, what must be there |
//! | [`repository`] | rows and entries | annotated queries, and a transaction that evicts after its commit |
//! | [`model`] | nothing | entities and what clients send to make them |
//! | [`validation`] | drafts | every fault of a draft at once |
//! | [`error`] | all of the above | one error for all layers, and the status of each |
//! | [`schema`] | the database | tables, and the pool that opens them |

pub mod error;
pub mod http;
pub mod model;
pub mod repository;
pub mod schema;
pub mod service;
pub mod validation;

use cache_kit::observe::CacheStats;
use cache_kit::prelude::*;
use sqlx::SqlitePool;

pub use self::http::router;
use self::repository::{BorrowerRepository, EmploymentRepository};
use self::service::{BorrowerService, EmploymentService};

/// Holds the services that handlers call. A cheap handle: clones share pool and cache.
#[derive(Clone)]
pub struct Application {
    /// Everything about borrowers.
    pub borrowers: BorrowerService,
    /// Everything about their employments.
    pub employments: EmploymentService,
    cache: CacheService<InMemoryBackend>,
}

impl Application {
    /// Puts an empty cache, which all repositories share, in front of the database.
    pub fn new(db: SqlitePool) -> Self {
        let cache = CacheService::new(InMemoryBackend::new());
        let borrowers = BorrowerRepository::new(db.clone(), cache.clone());
        let employments = EmploymentRepository::new(db, cache.clone());
        Self {
            borrowers: BorrowerService::new(borrowers),
            employments: EmploymentService::new(employments),
            cache,
        }
    }

    /// Returns what the cache has done so far.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }
}
