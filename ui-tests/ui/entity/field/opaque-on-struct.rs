use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, opaque)]
struct User {
    id: u64,
    settings: String,
}

fn main() {}
