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
    #[cached(soft_timeout = "3s", hard_timeout = "2s")]
    async fn find(&self, id: u64) -> cache_kit::Result<Option<User>> {
        Ok(Some(User { id }))
    }
}

fn main() {}
