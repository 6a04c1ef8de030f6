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
    #[cache_put(key = name)]
    async fn save(&self, name: &str) -> User {
        User { id: name.len() as u64 }
    }
}

fn main() {}
