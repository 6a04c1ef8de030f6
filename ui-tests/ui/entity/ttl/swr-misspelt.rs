use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, ttl = "1h", stale_while_revalidat = "5m")]
struct User {
    id: u64,
}

fn main() {}
