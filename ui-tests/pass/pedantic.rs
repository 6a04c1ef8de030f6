//! Generated code is clean under every lint that users deny. Clippy sees this file too: it is a target of its own.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unsafe_code)]

use cache_kit::prelude::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// An employment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(
    prefix = "employment",
    key = (person_id, year),
    ttl = HOUR,
    jitter = 0.1,
    negative_ttl = "30s",
    version = 2
)]
pub struct Employment {
    /// Who.
    pub person_id: String,
    /// When.
    pub year: i32,
    /// Paid how much.
    pub salary: f64,
}

/// A pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "pair", key = (0, 2), feeder = PairSlot)]
pub struct Pair(String, f64, u8);

/// A type with a twin, which has as many flags as itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "flags", key = (id, kind))]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools)]
pub struct Flags<T> {
    /// Whose.
    pub id: u64,
    /// Which.
    #[cache(opaque)]
    pub kind: String,
    /// One.
    pub is_one: bool,
    /// Two.
    pub is_two: bool,
    /// Three.
    pub is_three: bool,
    /// Four.
    pub is_four: bool,
    /// All that is left.
    #[cache(opaque)]
    pub rest: T,
}

/// All employments.
pub struct Employments {
    cache: CacheService<InMemoryBackend>,
}

impl Employments {
    /// Finds one.
    ///
    /// # Errors
    /// Never.
    #[cached(strategy = Refresh, ttl = "1m", negative_ttl = HOUR, jitter = 0.5)]
    pub async fn find(
        &self,
        person_id: &str,
        year: i32,
    ) -> Result<Option<Employment>, cache_kit::Error> {
        let person_id = person_id.to_owned();
        let salary = 1.0;
        Ok(Some(Employment {
            person_id,
            year,
            salary,
        }))
    }

    /// Looks one up.
    #[cached(strategy = strategy, key = (0 = name, 2 = number))]
    pub async fn pair(&self, name: &str, number: u8, strategy: CacheStrategy) -> Option<Pair> {
        Some(Pair(name.to_owned(), 0.5, number))
    }

    /// Saves one.
    ///
    /// # Errors
    /// When the cache cannot be reached.
    #[cache_put(on_unreachable = propagate)]
    pub async fn save(&self, employment: Employment) -> Result<Employment, cache_kit::Error> {
        Ok(employment)
    }

    /// Removes one.
    ///
    /// # Errors
    /// When the cache cannot be reached.
    #[cache_evict(entity = Employment, on_unreachable = propagate)]
    pub async fn remove(&self, person_id: &str, year: i32) -> Result<(), cache_kit::Error> {
        let _ = (person_id, year);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), cache_kit::Error> {
    let employments = Employments {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    let found = employments.find("a", 2024).await?.unwrap();
    let raised = Employment {
        salary: 2.0,
        ..found
    };
    employments.save(raised.clone()).await?;
    assert_eq!(employments.find("a", 2024).await?, Some(raised));
    employments.remove("a", 2024).await?;
    let salary = employments.find("a", 2024).await?.map(|e| e.salary);
    assert_eq!(salary, Some(1.0));
    let pair = employments.pair("x", 2, CacheStrategy::Fresh).await;
    assert_eq!(pair, None);
    Ok(())
}
