use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Home(u64);

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, index(home))]
struct User {
    id: u64,
    home: Home,
}

fn main() {}
