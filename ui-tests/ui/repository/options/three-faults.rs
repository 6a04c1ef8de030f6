use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

#[cache_repository(audit, finder(find))]
impl Users {
    #[cached(stratgy = Fresh)]
    async fn find(&self, id: u64) -> Option<User> {
        Some(User { id })
    }

    async fn rename(&self, id: u64) {
        drop(id);
    }
}

fn main() {}
