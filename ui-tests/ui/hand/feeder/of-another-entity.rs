use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "order", key = id)]
struct Order {
    id: u64,
}

struct Users;

impl Repository<User> for Users {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<User>> {
        Ok(Some(User { id: *id }))
    }
}

async fn find(cache: &CacheService<InMemoryBackend>) {
    let mut feeder = GenericFeeder::<Order>::new(7);
    let _ = cache.execute(&mut feeder, &Users, CacheStrategy::Refresh).await;
}

fn main() {}
