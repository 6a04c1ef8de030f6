use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

const NEVER: std::time::Duration = std::time::Duration::ZERO;

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(ttl = NEVER)]
    async fn find(&self, id: u64) -> Option<User> {
        Some(User { id })
    }
}

fn main() {}
