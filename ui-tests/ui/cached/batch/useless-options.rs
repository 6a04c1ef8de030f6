use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(soft_timeout = "50ms", refresh = background, early_refresh = 1.0)]
    async fn find_many(&self, ids: &[u64]) -> Vec<User> {
        ids.iter().map(|id| User { id: *id }).collect()
    }
}

fn main() {}
