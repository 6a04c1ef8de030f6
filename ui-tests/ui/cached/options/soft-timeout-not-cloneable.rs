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
    #[cached(soft_timeout = "50ms")]
    async fn find(&self, id: u64) -> Option<User> {
        Some(User { id })
    }
}

fn main() {}
