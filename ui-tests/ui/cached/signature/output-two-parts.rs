use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn find(&self, id: u64, year: i32) -> Vec<u8> {
        vec![id as u8, year as u8]
    }
}

fn main() {}
