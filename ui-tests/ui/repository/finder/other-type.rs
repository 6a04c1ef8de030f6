use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

#[cache_repository]
impl Users {
    #[cached(key = (id = id))]
    async fn find(&self, id: &str) -> Option<User> {
        id.parse().ok().map(|id| User { id })
    }
}

fn main() {}
