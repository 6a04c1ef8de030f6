use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone)]
struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached(retry = 3, skip(out))]
    async fn find(&self, id: u64, out: &mut u64) -> Result<User, cache_kit::Error> {
        *out = id;
        Ok(User { id })
    }
}

fn main() {}
