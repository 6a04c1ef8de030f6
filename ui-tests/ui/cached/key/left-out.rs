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
    #[cached(key = id)]
    async fn find(&self, id: u64, tenant: u32) -> User {
        User { id: id + u64::from(tenant) }
    }
}

fn main() {}
