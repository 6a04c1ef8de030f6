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
async fn find(cache: &CacheService<InMemoryBackend>, id: u64) -> Option<User> {
    let _ = cache;
    Some(User { id })
}

fn main() {}
