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
    #[cached(refresh = background, key = id)]
    async fn find(&self, User { id }: User) -> Option<User> {
        Some(User { id })
    }
}

fn main() {}
