use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Account {
    id: u64,
    year: i32,
}

impl CacheEntity for Account {
    type Key = String;

    fn cache_key(&self) -> String {
        format!("{}:{}", self.id, self.year)
    }

    fn cache_prefix() -> &'static str {
        "account"
    }
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
