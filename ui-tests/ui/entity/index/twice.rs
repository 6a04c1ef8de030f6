use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, index(email, email))]
struct User {
    id: u64,
    email: String,
    score: f64,
}

fn main() {}
