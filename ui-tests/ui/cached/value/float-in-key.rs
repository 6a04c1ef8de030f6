use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates")]
    async fn converted(&self, amount: f64, to: &str) -> f64 {
        amount * to.len() as f64
    }
}

fn main() {}
