use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates", skip(form))]
    async fn rate(&self, from: &str) -> u64 {
        from.len() as u64
    }
}

fn main() {}
