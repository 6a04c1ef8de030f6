use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, stale_while_revalidate = "5m")]
struct User {
    id: u64,
}

fn main() {}
