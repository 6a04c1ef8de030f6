use cache_kit::prelude::*;

trait Table {
    const SIZE: u64;
}

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "count")]
    async fn count<T: Table>(&self, min: u64) -> u64 {
        min + T::SIZE
    }
}

fn main() {}
