use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Rates {
    cache: CacheService<InMemoryBackend>,
}

impl Rates {
    #[cached]
    fn users(&self, ids: &[u64]) -> Vec<User> {
        ids.iter().map(|id| User { id: *id }).collect()
    }
}

fn main() {}
