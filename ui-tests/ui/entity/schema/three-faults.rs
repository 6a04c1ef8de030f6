use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Owner {
    name: String,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, codec = Bincode)]
#[serde(tag = "type", rename_all = "camelCase")]
struct User {
    id: u64,
    #[serde(flatten)]
    owner: Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

fn main() {}
