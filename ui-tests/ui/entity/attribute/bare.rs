use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache]
struct User {
    id: u64,
}

fn main() {}
