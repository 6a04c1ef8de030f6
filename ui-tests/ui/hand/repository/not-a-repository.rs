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

async fn find(expander: &CacheExpander<InMemoryBackend>) {
    let mut feeder = GenericFeeder::<User>::new(7);
    let _ = expander.with(&mut feeder, &Users, CacheStrategy::Refresh).await;
}

fn main() {}
