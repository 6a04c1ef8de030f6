use cache_kit::prelude::*;
use std::time::Duration;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "order", key = id)]
struct Order {
    id: u64,
}



fn main() {
    let _ = TtlPolicy::Custom(|context| Some(Duration::from_secs(context.prefix.len() as u64)));
}
