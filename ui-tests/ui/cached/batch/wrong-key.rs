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
    async fn find_many(&self, ids: &[u32]) -> Vec<User> {
        ids.iter().map(|id| User { id: u64::from(*id) }).collect()
    }
}

fn main() {}
