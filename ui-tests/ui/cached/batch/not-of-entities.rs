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
    async fn names(&self, ids: &[u64]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }
}

fn main() {}
