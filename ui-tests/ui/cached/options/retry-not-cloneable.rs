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
    #[cached(retry = 3)]
    async fn find(&self, id: u64) -> Result<User, cache_kit::Error> {
        Ok(User { id })
    }
}

fn main() {}
