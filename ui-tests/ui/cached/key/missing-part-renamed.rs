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
    #[cached]
    async fn find(&self, year: i32) -> Option<Employment> {
        Some(Employment {
            person_id: String::new(),
            year,
        })
    }
}

fn main() {}
