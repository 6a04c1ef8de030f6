use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user profile", key = id)]
struct User {
    id: u64,
}

fn main() {}
