use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Owner {
    name: String,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
    #[serde(flatten)]
    owner: Owner,
}

fn main() {}
