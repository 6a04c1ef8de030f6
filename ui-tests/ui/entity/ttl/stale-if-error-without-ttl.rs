use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, stale_if_error = "1d", negative_ttl = "1m")]
struct User {
    id: u64,
}

fn main() {}
