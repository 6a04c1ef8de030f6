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
    #[cached(key = (year = y, person_id = p))]
    async fn find(&self, p: &str, y: i32) -> Option<Employment> {
        Some(Employment {
            person_id: p.to_owned(),
            year: y,
        })
    }
}

fn main() {}
