use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = score)]
struct User {
    score: f64,
}

fn main() {}
