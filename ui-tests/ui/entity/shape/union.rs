use cache_kit::prelude::*;

#[derive(Clone, Copy, CacheEntity)]
#[cache(prefix = "user", key = id)]
union User {
    id: u64,
}

fn main() {}
