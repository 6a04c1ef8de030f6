use crate::{People, Person};
use cache_kit::Error;
use cache_kit::prelude::*;
use std::sync::Mutex;

type Answer = Box<dyn Fn(&[u64]) -> cache_kit::Result<Vec<Person>> + Send + Sync>;

/// A repository that answers many ids in one call, as a test says, and writes down what it was
/// asked.
pub struct Bulk {
    answer: Answer,
    asked: Mutex<Vec<Vec<u64>>>,
}

impl Bulk {
    /// Makes a repository with this answer.
    pub fn new(
        answer: impl Fn(&[u64]) -> cache_kit::Result<Vec<Person>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            asked: Mutex::default(),
        }
    }

    /// Makes a repository of everyone whose id is below a number.
    #[must_use]
    pub fn below(end: u64) -> Self {
        Self::new(move |ids| {
            let known = ids.iter().copied().filter(|id| *id < end);
            Ok(known.map(person).collect())
        })
    }

    /// Takes what it was asked since the last time, call by call.
    ///
    /// # Panics
    /// If another test thread panicked here.
    #[must_use]
    pub fn take(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

impl Repository<Person> for Bulk {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        Ok(self.fetch_by_ids(&[*id]).await?.pop())
    }

    async fn fetch_by_ids(&self, ids: &[u64]) -> cache_kit::Result<Vec<Person>> {
        self.asked.lock().expect("no panic").push(ids.to_vec());
        tokio::task::yield_now().await;
        (self.answer)(ids)
    }
}

/// The repository that the attributes read, asked by hand.
impl Repository<Person> for People {
    async fn fetch_by_id(&self, id: &u64) -> cache_kit::Result<Option<Person>> {
        let loaded = self.load(*id).await;
        loaded.map_err(|error| Error::RepositoryError(error.into()))
    }
}

/// Makes the person that repositories have under an id.
#[must_use]
pub fn person(id: u64) -> Person {
    Person {
        id,
        name: format!("person {id}"),
    }
}
