use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Connection;

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(refresh = background, skip(connection))]
    async fn find(&self, id: u64, connection: &Connection) -> Option<User> {
        let _ = connection;
        Some(User { id })
    }
}

fn main() {}
