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
    async fn find(&self, id: u64) -> Option<User> {
        let held = std::rc::Rc::new(id);
        std::future::ready(()).await;
        Some(User { id: *held })
    }
}

fn spawn<F: Future + Send>(_: F) {}

fn call(users: &Users) {
    spawn(users.find(1));
}

fn main() {}
