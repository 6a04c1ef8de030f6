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
    async fn find_many(&self, ids: &[u64]) -> std::collections::HashMap<String, User> {
        ids.iter().map(|id| (id.to_string(), User { id: *id })).collect()
    }
}

fn main() {}
