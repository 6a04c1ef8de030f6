use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Account {
    id: u64,
}

impl CacheEntity for Account {
    type Key = String;

    fn cache_key(&self) -> String {
        self.id.to_string()
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
    async fn find(&self, id: u64) -> Option<Account> {
        Some(Account { id })
    }
}

fn main() {}
