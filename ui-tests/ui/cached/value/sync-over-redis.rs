use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<AnyBackend>,
}

impl Rates {
    #[cached(prefix = "rates")]
    fn rate(&self, from: &str) -> u64 {
        from.len() as u64
    }
}

fn main() {}
