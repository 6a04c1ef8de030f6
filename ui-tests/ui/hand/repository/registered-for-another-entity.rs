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

struct Orders;

impl Repository<Order> for Orders {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Order>> {
        Ok(Some(Order { id: *id }))
    }
}

fn main() {
    let cache = CacheService::new(InMemoryBackend::new());
    let _ = CacheRegistry::builder(cache).repository::<User>(Orders).build();
}
