use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[cached]
async extern "C" fn find(cache: &CacheService<InMemoryBackend>, id: u64) -> Option<User> {
    Some(User { id })
}

fn main() {}
