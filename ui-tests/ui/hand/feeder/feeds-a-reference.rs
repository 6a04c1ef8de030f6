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

struct Feeder {
    user: Option<User>,
}

impl CacheFeed<User> for Feeder {
    fn entity_id(&mut self) -> u64 {
        7
    }

    fn feed(&mut self, user: Option<&User>) {
        self.user = user.cloned();
    }
}

fn main() {}
