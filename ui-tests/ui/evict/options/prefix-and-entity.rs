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
    #[cache_evict(entity = User, prefix = "rates")]
    async fn remove(&self, id: u64) {
        let _ = id;
    }
}

fn main() {}
