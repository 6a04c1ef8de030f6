use cache_kit::prelude::*;

struct Rate(f64);

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates")]
    async fn rates(&self, day: u32) -> Result<Vec<Rate>, String> {
        Ok(vec![Rate(day.into())])
    }
}

fn main() {}
