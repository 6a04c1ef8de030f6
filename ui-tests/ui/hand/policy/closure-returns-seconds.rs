use cache_kit::prelude::*;

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
    let _ = TtlPolicy::PerType(Box::new(|prefix| match prefix {
        "user" => 3600,
        _ => 1800,
    }));
}
