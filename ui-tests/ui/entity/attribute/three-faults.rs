use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "User:", key = uid, ttl = 300)]
struct User {
    id: u64,
}

fn main() {}
