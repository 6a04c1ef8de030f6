use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
    strategy: CacheStrategy,
}

impl Users {
    #[cached(strategy = self.strategy)]
    async fn find(&self, id: u64) -> User {
        User { id }
    }
}

fn main() {}
