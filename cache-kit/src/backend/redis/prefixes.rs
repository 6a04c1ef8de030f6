//! What is known here of the guards of prefixes. In a cluster they live on a node of their own each, which would else be asked at every read.

use super::wire::{Reply, integer};
use crate::error::Result;
use crate::key::CacheKey;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Prefixes {
    /// How long after it was asked for a guard is believed; not at all where asking costs nothing.
    lag: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    guards: HashMap<Box<str>, (u64, Instant)>,
    /// Raised by everything that makes what is on its way out of date.
    epoch: u64,
}

/// When something was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    epoch: u64,
    at: Instant,
}

impl Prefixes {
    pub(super) fn new(lag: Duration) -> Self {
        Self {
            lag,
            known: Mutex::default(),
        }
    }

    /// Returns the guard of a prefix, if it was asked for lately.
    pub(super) fn known(&self, prefix: &str) -> Option<u64> {
        if self.lag.is_zero() {
            return None;
        }
        let known = self.lock();
        let (guard, at) = known.guards.get(prefix)?;
        (at.elapsed() < self.lag).then_some(*guard)
    }

    /// Says that something is being asked now.
    pub(super) fn ask(&self) -> Asked {
        Asked {
            epoch: self.lock().epoch,
            at: Instant::now(),
        }
    }

    /// Takes the answer, unless a prefix has been cleared here since.
    pub(super) fn learn(&self, prefix: &str, guard: u64, asked: Asked) {
        let mut known = self.lock();
        if self.lag.is_zero() || known.epoch != asked.epoch {
            return;
        }
        match known.guards.get_mut(prefix) {
            Some(known) if known.1 >= asked.at => {}
            Some(known) => *known = (guard, asked.at),
            None => {
                known.guards.insert(prefix.into(), (guard, asked.at));
            }
        }
    }

    /// Forgets a prefix that is being cleared.
    pub(super) fn forget(&self, prefix: &str) {
        let mut known = self.lock();
        known.epoch += 1;
        known.guards.remove(prefix);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guards of the prefixes of some keys: those that are known, and those that are asked for now.
pub(super) struct PrefixGuards<'k> {
    prefixes: &'k Prefixes,
    names: Vec<&'k str>,
    /// Which of them is whose.
    whose: Vec<usize>,
    guards: Vec<Result<Option<u64>>>,
    unknown: Vec<usize>,
    asked: Asked,
}

impl<'k> PrefixGuards<'k> {
    pub(super) fn of(prefixes: &'k Prefixes, keys: impl Iterator<Item = &'k CacheKey>) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let whose = keys
            .map(|key| {
                let known = names.iter().position(|name| *name == key.prefix());
                known.unwrap_or_else(|| {
                    names.push(key.prefix());
                    names.len() - 1
                })
            })
            .collect();
        let guards: Vec<_> = names.iter().map(|name| Ok(prefixes.known(name))).collect();
        let unknown = (0..names.len()).filter(|place| !matches!(guards[*place], Ok(Some(_))));
        Self {
            unknown: unknown.collect(),
            asked: prefixes.ask(),
            prefixes,
            names,
            whose,
            guards,
        }
    }

    /// Lists the prefixes that have to be asked about, each with its place.
    pub(super) fn unknown(&self) -> impl Iterator<Item = (usize, &'k str)> {
        self.unknown
            .iter()
            .map(|place| (*place, self.names[*place]))
    }

    /// Takes the answer about the prefix in a place; `None` if it has no guard.
    pub(super) fn take(&mut self, place: usize, answer: Result<Option<u64>>) {
        if let Ok(Some(guard)) = answer {
            self.prefixes.learn(self.names[place], guard, self.asked);
        }
        self.guards[place] = answer;
    }

    /// Takes the answers about all that is unknown, in that order.
    pub(super) fn take_all(&mut self, answers: impl Iterator<Item = Result<Reply>>) {
        for (place, answer) in self.unknown.clone().into_iter().zip(answers) {
            self.take(place, answer.map(|reply| integer(&reply.value)));
        }
    }

    /// Returns what is known for the key in a place.
    pub(super) fn of_key(&self, place: usize) -> Result<Option<u64>> {
        self.guards[self.whose[place]].clone()
    }

    pub(super) fn name(&self, place: usize) -> &'k str {
        self.names[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_secs(60);

    #[test]
    fn a_guard_is_known_for_as_long_as_it_may_lag() {
        let prefixes = Prefixes::new(LAG);
        prefixes.learn("user", 7, prefixes.ask());
        assert_eq!(
            (prefixes.known("user"), prefixes.known("other")),
            (Some(7), None)
        );
        let long_ago = Asked {
            at: Instant::now().checked_sub(LAG).unwrap(),
            ..prefixes.ask()
        };
        prefixes.learn("other", 8, long_ago);
        assert_eq!(prefixes.known("other"), None);
    }

    #[test]
    fn an_older_answer_does_not_replace_a_newer_one() {
        let prefixes = Prefixes::new(LAG);
        let (older, newer) = (prefixes.ask(), prefixes.ask());
        prefixes.learn("user", 2, newer);
        prefixes.learn("user", 1, older);
        assert_eq!(prefixes.known("user"), Some(2));
    }

    #[test]
    fn what_was_asked_before_a_clear_is_not_learnt_after_it() {
        let prefixes = Prefixes::new(LAG);
        let asked = prefixes.ask();
        prefixes.forget("user");
        prefixes.learn("user", 1, asked);
        assert_eq!(prefixes.known("user"), None);
    }

    #[test]
    fn without_a_lag_nothing_is_known() {
        let prefixes = Prefixes::new(Duration::ZERO);
        prefixes.learn("user", 7, prefixes.ask());
        assert_eq!(prefixes.known("user"), None);
    }
}
