use cache_kit::prelude::*;

struct Shorthand;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, codec = Shorthand)]
struct User {
    id: u64,
}

fn main() {}
