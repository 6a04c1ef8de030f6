use crate::Person;
use cache_kit::prelude::*;
use cache_kit::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// What a repository does when it is asked.
#[derive(Clone, Debug, Default)]
pub enum Says {
    /// It has everyone, by the name of "new".
    #[default]
    Has,
    /// It has nobody.
    HasNot,
    /// It fails, with this error.
    Fails(Error),
    /// It fails with a transient error so many times; then it has everyone.
    Recovers(u32),
    /// It panics.
    Panics,
    /// It returns somebody else.
    Another,
}

/// A repository whose answer is switched at run time, and that writes down when it was asked.
/// Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Source(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    says: Says,
    takes: Duration,
    asked: Vec<Instant>,
}

impl Source {
    /// Makes a repository that answers so.
    #[must_use]
    pub fn new(says: Says) -> Self {
        let source = Self::default();
        source.set(says);
        source
    }

    /// Makes it answer so from now on.
    pub fn set(&self, says: Says) {
        self.state().says = says;
    }

    /// Makes each answer take so long.
    pub fn set_time(&self, takes: Duration) {
        self.state().takes = takes;
    }

    /// How often it was asked for a row.
    #[must_use]
    pub fn loads(&self) -> usize {
        self.state().asked.len()
    }

    /// When it was asked, each time.
    #[must_use]
    pub fn asked(&self) -> Vec<Instant> {
        self.state().asked.clone()
    }

    /// The row that it has.
    #[must_use]
    pub fn row(id: u64) -> Person {
        Person {
            id,
            name: "new".to_owned(),
        }
    }

    fn begin(&self) -> (Says, Duration) {
        let mut state = self.state();
        state.asked.push(Instant::now());
        let says = state.says.clone();
        if let Says::Recovers(left) = &mut state.says {
            *left = left.saturating_sub(1);
        }
        (says, state.takes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while it is held")
    }
}

impl Repository<Person> for Source {
    async fn fetch_by_id(&self, id: &u64) -> Result<Option<Person>> {
        let (says, takes) = self.begin();
        // Who comes in the meantime finds a flight to join.
        tokio::task::yield_now().await;
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        match says {
            Says::Has | Says::Recovers(0) => Ok(Some(Self::row(*id))),
            Says::HasNot => Ok(None),
            Says::Fails(error) => Err(error),
            Says::Recovers(_) => Err(Error::transient("busy")),
            Says::Panics => panic!("the repository panicked"),
            Says::Another => Ok(Some(Self::row(id + 1))),
        }
    }
}
