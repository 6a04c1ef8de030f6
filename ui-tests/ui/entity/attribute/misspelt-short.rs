use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, tll = "1h")]
struct User {
    id: u64,
}

fn main() {}
