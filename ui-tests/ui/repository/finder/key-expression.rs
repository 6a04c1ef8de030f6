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
    #[cached(key = user.id)]
    async fn find(&self, user: &User) -> Option<User> {
        Some(user.clone())
    }
}

fn main() {}
