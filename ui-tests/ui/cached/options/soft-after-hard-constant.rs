use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

const SOFT: std::time::Duration = std::time::Duration::from_secs(3);

#[derive(Clone, Debug)]
struct DbError;

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(soft_timeout = SOFT, hard_timeout = "2s")]
    async fn find(&self, id: u64) -> cache_kit::Result<Option<User>> {
        Ok(Some(User { id }))
    }
}

fn main() {}
