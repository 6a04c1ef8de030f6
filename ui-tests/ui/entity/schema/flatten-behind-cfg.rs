use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Owner {
    name: String,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, codec = Bincode)]
struct User {
    id: u64,
    #[cfg_attr(all(), serde(flatten))]
    owner: Owner,
}

fn main() {}
