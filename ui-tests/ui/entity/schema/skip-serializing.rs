use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, codec = Bincode)]
struct User {
    id: u64,
    #[serde(skip_serializing)]
    name: Option<String>,
}

fn main() {}
