use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = (id, score))]
struct User {
    id: u64,
    score: f64,
}

fn main() {}
