use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone, Debug)]
struct DbError;

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(retry = 3, retry_if = |_| 7)]
    async fn find(&self, id: u64) -> cache_kit::Result<Option<User>> {
        Ok(Some(User { id }))
    }
}

fn main() {}
