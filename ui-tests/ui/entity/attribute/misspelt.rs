use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefx = "user", key = id)]
struct User {
    id: u64,
}

fn main() {}
