use cache_kit::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Team(u64);

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "user", key = (id, team))]
struct User {
    id: u64,
    team: Team,
}

fn main() {}
