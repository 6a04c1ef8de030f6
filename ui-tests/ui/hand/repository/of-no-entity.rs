use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "order", key = id)]
struct Order {
    id: u64,
}

struct Rates;

impl Repository<f64> for Rates {
    async fn fetch_by_id(&self, _: &String) -> cache_kit::Result<Option<f64>> {
        Ok(None)
    }
}

fn main() {}
