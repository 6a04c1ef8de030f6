//! The crate under another name; its own stands for something else.

extern crate cache_kit as kit;
extern crate core as cache_kit;

use kit::{CacheEntity, CacheService, InMemoryBackend, cache_evict, cache_put, cached};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "flight", key = (carrier, number), ttl = "1h", crate = ::kit)]
struct Flight {
    carrier: String,
    number: u16,
}

struct Flights {
    cache: CacheService<InMemoryBackend>,
}

impl Flights {
    #[cached(strategy = Refresh, ttl = "1m", crate = ::kit)]
    async fn find(&self, carrier: &str, number: u16) -> Result<Option<Flight>, kit::Error> {
        let carrier = carrier.to_owned();
        Ok(Some(Flight { carrier, number }))
    }

    #[cache_put(crate = ::kit)]
    async fn save(&self, flight: Flight) -> Result<Flight, kit::Error> {
        Ok(flight)
    }

    #[cache_evict(entity = Flight, crate = ::kit)]
    async fn remove(&self, carrier: &str, number: u16) {
        let _ = (carrier, number);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kit::Error> {
    let flights = Flights {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let flight = flights.find("BA", 117).await?.unwrap();
    assert_eq!(flights.save(flight.clone()).await?, flight);
    flights.remove("BA", 117).await;
    Ok(())
}
