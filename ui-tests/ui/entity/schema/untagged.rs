use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, codec = Bincode)]
#[serde(untagged)]
struct User {
    id: u64,
    name: String,
}

fn main() {}
