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
    async fn of_team(&self, team: u64, ids: &[u64]) -> Vec<User> {
        ids.iter().filter(|id| **id != team).map(|id| User { id: *id }).collect()
    }
}

fn main() {}
