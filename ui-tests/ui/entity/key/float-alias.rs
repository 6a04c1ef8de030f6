use cache_kit::prelude::*;

type Score = f64;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = (id, score))]
struct User {
    id: u64,
    score: Score,
}

fn main() {}
