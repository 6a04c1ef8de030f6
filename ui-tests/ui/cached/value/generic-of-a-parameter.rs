use cache_kit::prelude::*;

trait Table {
    const SIZE: u64;
}

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "count")]
    async fn count<T: Table + cache_kit::KeyPart>(&self, of: T) -> u64 {
        let _ = of;
        T::SIZE
    }
}

fn main() {}
