use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = ids)]
struct User {
    ids: Vec<u64>,
}

fn main() {}
