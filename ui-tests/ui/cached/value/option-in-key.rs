use cache_kit::prelude::*;

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached(prefix = "names")]
    async fn names(&self, after: Option<&str>, page: u32) -> Vec<String> {
        vec![format!("{after:?} {page}")]
    }
}

fn main() {}
