//! The month again, departure by departure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::model::{Airline, Airport, Departure, Plane, Weather};
use super::repository::Repository;

/// How many entities a departure looks up.
pub const LOOK_UPS_EACH: usize = 4;

/// How many departures the progress bar advances by, so that drawing it costs nothing.
const STEP: usize = 500;

/// What a departure's four look-ups found.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// The plane, where it is on record.
    pub plane: Option<Arc<Plane>>,
    /// The destination.
    pub airport: Option<Arc<Airport>>,
    /// The airline.
    pub airline: Option<Arc<Airline>>,
    /// The weather at the hour of departure.
    pub weather: Option<Arc<Weather>>,
}

impl Sight {
    /// Looks the four up through the cache.
    async fn cached(repository: &Repository, departure: &Departure) -> sqlx::Result<Self> {
        Ok(Self {
            plane: repository.plane(&departure.tailnum).await?,
            airport: repository.airport(&departure.dest).await?,
            airline: repository.airline(&departure.carrier).await?,
            weather: repository
                .weather(&departure.origin, &departure.time_hour)
                .await?,
        })
    }

    /// Looks the four up in the database.
    async fn uncached(repository: &Repository, departure: &Departure) -> sqlx::Result<Self> {
        Ok(Self {
            plane: repository.plane_uncached(&departure.tailnum).await?,
            airport: repository.airport_uncached(&departure.dest).await?,
            airline: repository.airline_uncached(&departure.carrier).await?,
            weather: repository
                .weather_uncached(&departure.origin, &departure.time_hour)
                .await?,
        })
    }
}

/// One replay of the month: what it saw, and how long that took.
#[derive(Debug)]
pub struct Replay {
    /// What each departure found, in order.
    pub sights: Vec<Sight>,
    /// How long all of it took.
    pub time: Duration,
}

impl Replay {
    /// Replays the departures through the cache.
    ///
    /// # Errors
    ///
    /// When a query fails.
    pub async fn cached(
        repository: &Repository,
        departures: &[Departure],
        bar: &ProgressBar,
    ) -> sqlx::Result<Self> {
        let look_up = async |departure: &Departure| Sight::cached(repository, departure).await;
        Self::run(departures, bar, look_up).await
    }

    /// Replays the departures with every look-up a query.
    ///
    /// # Errors
    ///
    /// When a query fails.
    pub async fn uncached(
        repository: &Repository,
        departures: &[Departure],
        bar: &ProgressBar,
    ) -> sqlx::Result<Self> {
        let look_up = async |departure: &Departure| Sight::uncached(repository, departure).await;
        Self::run(departures, bar, look_up).await
    }

    async fn run(
        departures: &[Departure],
        bar: &ProgressBar,
        look_up: impl AsyncFn(&Departure) -> sqlx::Result<Sight>,
    ) -> sqlx::Result<Self> {
        let start = Instant::now();
        let mut sights = Vec::with_capacity(departures.len());
        for chunk in departures.chunks(STEP) {
            for departure in chunk {
                sights.push(look_up(departure).await?);
            }
            bar.inc(chunk.len() as u64);
        }
        let time = start.elapsed();
        bar.finish_and_clear();
        Ok(Self { sights, time })
    }

    /// Counts the look-ups made.
    pub fn look_ups(&self) -> usize {
        self.sights.len() * LOOK_UPS_EACH
    }
}
