use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(refresh = background, skip(name))]
    async fn find(&self, id: u64, name: impl Into<String> + Send) -> Option<User> {
        Some(User { id })
    }
}

fn main() {}
