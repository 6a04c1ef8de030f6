use cache_kit::prelude::*;

#[derive(Clone, Deserialize)]
struct Address;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
    address: Address,
}

fn main() {}
