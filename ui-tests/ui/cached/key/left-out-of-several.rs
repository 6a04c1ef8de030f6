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
    #[cached(key = (id = user.id), skip(year))]
    async fn find(&self, user: &User, year: i32, tenant: u32) -> User {
        let _ = (year, tenant);
        user.clone()
    }
}

fn main() {}
