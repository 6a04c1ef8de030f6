use cache_kit::prelude::*;

type Score = f64;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = score)]
struct User {
    score: Score,
}

fn main() {}
