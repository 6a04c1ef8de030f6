use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = (id, team))]
struct User {
    id: u64,
    team: Option<String>,
}

fn main() {}
