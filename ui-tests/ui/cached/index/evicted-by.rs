use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id, index(email))]
struct User {
    id: u64,
    email: String,
    age: u8,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cache_evict(entity = User)]
    async fn remove_by_email(&self, email: &str) {
        let _ = email;
    }
}

fn main() {}
