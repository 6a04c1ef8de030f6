use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached]
    async fn rate(&self, from: &str) -> Result<f64, String> {
        Ok(from.len() as f64)
    }
}

fn main() {}
