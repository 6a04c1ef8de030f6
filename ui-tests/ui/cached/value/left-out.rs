use cache_kit::prelude::*;

trait Table {
    const SIZE: u64;
}

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "rates", key = (year = 2020, id = id, first))]
    async fn rate(&self, id: u64, year: u64, (first, second): (u64, u64)) -> u64 {
        id + year + first + second
    }
}

fn main() {}
