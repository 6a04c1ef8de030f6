use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "1h", early_refresh = -1.0)]
struct User {
    id: u64,
}

fn main() {}
