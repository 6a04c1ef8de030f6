use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = -5)]
struct User {
    id: u64,
}

fn main() {}
