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
    #[cached]
    async fn find(&self, id: u32) -> Option<User> {
        Some(User { id: id.into() })
    }
}

fn main() {}
