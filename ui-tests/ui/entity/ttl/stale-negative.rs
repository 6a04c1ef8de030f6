use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "1h", stale_if_error = -1)]
struct User {
    id: u64,
}

fn main() {}
