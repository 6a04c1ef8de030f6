use cache_kit::prelude::*;

#[derive(Serialize, Deserialize)]
struct Rate(f64);

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates")]
    async fn rates(&self, day: u32) -> Option<Rate> {
        Some(Rate(day.into()))
    }
}

fn main() {}
