//! Where the entities come from: plain methods that ask `SQLite`, annotated.
//!
//! An annotated method keeps its signature and its error type; the cache is found at
//! `self.cache`. The methods called `…_uncached` are the same queries with nothing in between.

use std::sync::Arc;

use cache_kit::observe::CacheStats;
use cache_kit::prelude::*;
use sqlx::SqlitePool;

use super::model::{Airline, Airport, Plane, Weather};

/// The tables of the month, behind a cache.
pub struct Repository {
    db: SqlitePool,
    cache: CacheService<InMemoryBackend>,
}

impl Repository {
    /// Puts an empty cache in front of the database.
    pub fn new(db: SqlitePool) -> Self {
        Self {
            db,
            cache: CacheService::new(InMemoryBackend::new()),
        }
    }

    /// Returns what the cache has done so far.
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// Finds a plane.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached(strategy = Refresh)]
    pub async fn plane(&self, tailnum: &str) -> sqlx::Result<Option<Arc<Plane>>> {
        self.plane_uncached(tailnum).await
    }

    /// Finds an airport.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached(strategy = Refresh)]
    pub async fn airport(&self, faa: &str) -> sqlx::Result<Option<Arc<Airport>>> {
        self.airport_uncached(faa).await
    }

    /// Finds an airline.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached(strategy = Refresh)]
    pub async fn airline(&self, carrier: &str) -> sqlx::Result<Option<Arc<Airline>>> {
        self.airline_uncached(carrier).await
    }

    /// Finds the weather at an airport within an hour.
    ///
    /// The parameters are the fields of the key, in its order: swap them, and it does not compile.
    ///
    /// # Errors
    ///
    /// When the query fails.
    #[cached(strategy = Refresh)]
    pub async fn weather(
        &self,
        origin: &str,
        time_hour: &str,
    ) -> sqlx::Result<Option<Arc<Weather>>> {
        self.weather_uncached(origin, time_hour).await
    }

    /// Writes a plane, new or changed. What is returned replaces the entry.
    ///
    /// # Errors
    ///
    /// When the statement fails; the entry is gone then, for the row may have been written.
    #[cache_put]
    pub async fn save_plane(&self, plane: Plane) -> sqlx::Result<Plane> {
        sqlx::query("replace into planes values (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&plane.tailnum)
            .bind(plane.year)
            .bind(&plane.kind)
            .bind(&plane.manufacturer)
            .bind(&plane.model)
            .bind(plane.engines)
            .bind(plane.seats)
            .bind(plane.speed)
            .bind(&plane.engine)
            .execute(&self.db)
            .await?;
        Ok(plane)
    }

    /// Removes a plane, and its entry with it.
    ///
    /// # Errors
    ///
    /// When the statement fails; the entry is gone then, for the row may be.
    #[cache_evict(entity = Plane)]
    pub async fn remove_plane(&self, tailnum: &str) -> sqlx::Result<()> {
        sqlx::query("delete from planes where tailnum = ?")
            .bind(tailnum)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// Finds a plane in the database.
    ///
    /// # Errors
    ///
    /// When the query fails.
    pub async fn plane_uncached(&self, tailnum: &str) -> sqlx::Result<Option<Arc<Plane>>> {
        let plane = sqlx::query_as("select * from planes where tailnum = ?")
            .bind(tailnum)
            .fetch_optional(&self.db)
            .await?;
        Ok(plane.map(Arc::new))
    }

    /// Finds an airport in the database.
    ///
    /// # Errors
    ///
    /// When the query fails.
    pub async fn airport_uncached(&self, faa: &str) -> sqlx::Result<Option<Arc<Airport>>> {
        let airport = sqlx::query_as("select * from airports where faa = ?")
            .bind(faa)
            .fetch_optional(&self.db)
            .await?;
        Ok(airport.map(Arc::new))
    }

    /// Finds an airline in the database.
    ///
    /// # Errors
    ///
    /// When the query fails.
    pub async fn airline_uncached(&self, carrier: &str) -> sqlx::Result<Option<Arc<Airline>>> {
        let airline = sqlx::query_as("select * from airlines where carrier = ?")
            .bind(carrier)
            .fetch_optional(&self.db)
            .await?;
        Ok(airline.map(Arc::new))
    }

    /// Finds the weather at an airport within an hour in the database.
    ///
    /// # Errors
    ///
    /// When the query fails.
    pub async fn weather_uncached(
        &self,
        origin: &str,
        time_hour: &str,
    ) -> sqlx::Result<Option<Arc<Weather>>> {
        let weather = sqlx::query_as("select * from weather where origin = ? and time_hour = ?")
            .bind(origin)
            .bind(time_hour)
            .fetch_optional(&self.db)
            .await?;
        Ok(weather.map(Arc::new))
    }
}
