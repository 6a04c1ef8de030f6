use cache_kit::prelude::*;

#[derive(Clone, Serialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User<'a> {
    id: u64,
    name: &'a str,
}

fn main() {}
