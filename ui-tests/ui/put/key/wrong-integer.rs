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
    #[cache_put]
    async fn save(&self, id: u32) -> User {
        User { id: id.into() }
    }
}

fn main() {}
