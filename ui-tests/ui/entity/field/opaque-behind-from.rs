use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize)]
struct Stored(u64, String);

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = id)]
#[serde(try_from = "Stored")]
struct User {
    id: u64,
    #[cache(opaque)]
    settings: String,
}

impl From<Stored> for User {
    fn from(Stored(id, settings): Stored) -> Self {
        Self { id, settings }
    }
}

fn main() {}
