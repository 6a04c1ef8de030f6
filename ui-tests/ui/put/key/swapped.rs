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
    #[cache_put(key = (year, person_id))]
    async fn save(&self, person_id: &str, year: i32) -> Employment {
        Employment {
            person_id: person_id.to_owned(),
            year,
        }
    }
}

fn main() {}
