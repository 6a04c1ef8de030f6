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
    #[cache_put(on_unreachable = "propagate")]
    async fn save(&self, user: User) -> Result<User, cache_kit::Error> {
        Ok(user)
    }
}

fn main() {}
