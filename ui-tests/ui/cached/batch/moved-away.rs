use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Filter;

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(skip(filter))]
    async fn find_many(&self, filter: Filter, ids: &[u64]) -> Vec<User> {
        drop(filter);
        ids.iter().map(|id| User { id: *id }).collect()
    }
}

fn main() {}
