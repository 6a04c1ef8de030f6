use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "1h", stale_if_error = "1d", error_throttle = 10)]
struct User {
    id: u64,
}

fn main() {}
