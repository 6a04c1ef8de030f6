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

async fn find<R: DataRepository<User>>(cache: &CacheService<InMemoryBackend>, users: &R) {
    let _ = cache.execute(&mut UserFeeder::new(7), users, CacheStrategy::Refrsh).await;
}

fn main() {
    let _ = std::any::type_name::<Order>();
}
