use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

#[cache_repository]
impl Users {
    #[cached]
    async fn find(&self, id: u64) -> Option<User> {
        Some(User { id })
    }

    async fn find_uncached(&self, id: u64) -> Option<User> {
        Some(User { id })
    }
}

fn main() {}
