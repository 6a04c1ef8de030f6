use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

#[cache_repository]
impl Users {
    #[cached(skip(connection))]
    async fn find(&self, id: u64, connection: &mut String) -> Option<User> {
        connection.clear();
        Some(User { id })
    }
}

fn main() {}
