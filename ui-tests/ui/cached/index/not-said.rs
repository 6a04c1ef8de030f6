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
    #[cached]
    async fn find_by_email(&self, email: &str) -> Option<User> {
        Some(User { id: 1, email: "ada".into(), age: 3 })
    }
}

fn main() {}
