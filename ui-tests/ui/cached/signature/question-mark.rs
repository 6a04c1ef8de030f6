use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

struct Users {
    cache: CacheService<InMemoryBackend>,
}

impl Users {
    #[cached]
    async fn find(&self, id: u64) -> Result<User, std::fmt::Error> {
        let id = "7".parse::<u64>()? + id;
        Ok(User { id })
    }
}

fn main() {}
