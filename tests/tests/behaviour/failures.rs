//! DESIGN §4.8: what a caller gets, what the repository is asked, and what is left in the store,
//! when either of them fails.

mod apis;
mod corruption;
mod flights;
mod outages;
mod stores;
mod table;
mod unseen;

use cache_kit::prelude::*;
use cache_kit::{Error, FailurePolicy, store::Lookup};
use cache_kit_tests::{Behaviour, Faulty, Person, Says, Source};
use std::time::Duration;

/// How long a read waits for the backend.
const DEADLINE: Duration = Duration::from_secs(1);

/// How long a slow backend takes: much longer.
const SLOWNESS: Duration = Duration::from_secs(60);

/// What the cache is like before the call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Store {
    /// It works, and holds an entry with an older name than the repository.
    Full,
    /// It works, and holds nothing.
    Empty,
    /// It refuses everything, and holds the older entry.
    Down,
    /// It takes a minute for everything, and holds the older entry.
    Slow,
    /// It works, and its older entry is damaged.
    Corrupt,
}

/// What the repository is like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Repo {
    Has,
    HasNot,
    Down,
}

/// What the caller gets: an entity, the word that there is none, or one of the errors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gets {
    Old,
    New,
    None,
    CacheMiss,
    RepositoryError,
    BackendError,
    Timeout,
    DeserializationError,
}

/// What the store holds afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    Old,
    New,
    Absent,
    Nothing,
    Damaged,
}

impl Gets {
    fn entity(person: Option<&Person>) -> Self {
        match person.map(|person| person.name.as_str()) {
            None => Self::None,
            Some("old") => Self::Old,
            Some("new") => Self::New,
            Some(other) => panic!("who is {other}?"),
        }
    }

    fn error(error: &Error) -> Self {
        match error {
            Error::CacheMiss => Self::CacheMiss,
            Error::RepositoryError(_) => Self::RepositoryError,
            Error::BackendError(_) => Self::BackendError,
            Error::Timeout => Self::Timeout,
            Error::DeserializationError(_) => Self::DeserializationError,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

impl Repo {
    fn source(self) -> Source {
        Source::new(match self {
            Self::Has => Says::Has,
            Self::HasNot => Says::HasNot,
            Self::Down => Says::Fails(Error::RepositoryError("down".into())),
        })
    }
}

fn service(backend: &Faulty, policy: FailurePolicy) -> CacheService<Faulty> {
    CacheService::builder(backend.clone())
        .failure_policy(policy)
        .backend_deadline(DEADLINE)
        .build()
        .unwrap()
}

fn old(id: u64) -> Person {
    Person {
        id,
        name: "old".into(),
    }
}

/// Makes a store whose entries of 1 and 2 are as the case wants them.
async fn arrange(store: Store) -> Faulty {
    let backend = Faulty::default();
    if store != Store::Empty {
        let cache = CacheService::new(backend.clone());
        cache.put(old(1)).await.unwrap();
        cache.put(old(2)).await.unwrap();
    }
    match store {
        Store::Down => backend.set_all(Behaviour::Down),
        Store::Slow => backend.set_all(Behaviour::Slow(SLOWNESS)),
        Store::Corrupt => backend.damage::<Person>(&1),
        Store::Full | Store::Empty => {}
    }
    backend
}

async fn left(backend: &Faulty) -> Left {
    match backend.stored::<Person>(&1).await {
        Ok(Lookup::Hit { value, .. }) => {
            let person: &Person = value.downcast_ref().unwrap();
            match person.name.as_str() {
                "old" => Left::Old,
                _ => Left::New,
            }
        }
        Ok(Lookup::Absent { .. }) => Left::Absent,
        Ok(_) => Left::Nothing,
        Err(_) => Left::Damaged,
    }
}
