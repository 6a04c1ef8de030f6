use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
    #[cache(opaqe)]
    settings: String,
    #[cache(opaque = true, ttl = "1h")]
    name: String,
}

fn main() {}
