use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "99999999999999999999w")]
struct User {
    id: u64,
}

fn main() {}
