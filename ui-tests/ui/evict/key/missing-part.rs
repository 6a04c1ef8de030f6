use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", key = (person_id, year))]
struct Employment {
    person_id: String,
    year: i32,
}

struct Employments {
    cache: CacheService<InMemoryBackend>,
}

impl Employments {
    #[cache_evict(entity = Employment)]
    async fn remove(&self, person_id: &str) {
        drop(person_id);
    }
}

fn main() {}
