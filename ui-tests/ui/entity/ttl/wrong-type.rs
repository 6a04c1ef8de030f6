use cache_kit::prelude::*;

const HOUR: u64 = 3600;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = HOUR)]
struct User {
    id: u64,
}

fn main() {}
