use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, tags = [])]
struct User {
    id: u64,
    employer: String,
    salary: Option<u32>,
}

fn main() {}
