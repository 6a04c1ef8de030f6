use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, tags = ["team:{team}"])]
struct User {
    id: u64,
    team: String,
}

fn main() {}
