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
    #[cache_evict(entity = User, tags = "user:{id}")]
    async fn remove(&self, id: u64) -> () {
        let _ = id;
    }
}

fn main() {}
