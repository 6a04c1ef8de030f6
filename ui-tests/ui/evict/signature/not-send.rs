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
    #[cache_evict(entity = User)]
    async fn remove(&self, id: u64) {
        let held = std::rc::Rc::new(id);
        std::future::ready(()).await;
        drop(held);
    }
}

fn spawn<F: Future + Send>(_: F) {}

fn call(users: &Users) {
    spawn(users.remove(1));
}

fn main() {}
