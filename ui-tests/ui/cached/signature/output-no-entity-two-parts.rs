use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Account {
    id: u64,
    year: i32,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn find(&self, id: u64, year: i32) -> Option<Account> {
        Some(Account { id, year })
    }
}

fn main() {}
