use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
struct User {
    id: u64,
}

trait Users {
    #[cached]
    async fn find(&self, id: u64) -> Option<User>;
}

fn main() {}
