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
    async fn find_many(&self, [first, second]: [u64; 2]) -> Vec<User> {
        vec![User { id: first }, User { id: second }]
    }
}

fn main() {}
