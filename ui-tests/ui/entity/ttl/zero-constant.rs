use cache_kit::prelude::*;

const NEVER: std::time::Duration = std::time::Duration::ZERO;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = NEVER)]
struct User {
    id: u64,
}

fn main() {}
