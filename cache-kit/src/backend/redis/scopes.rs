//! What is known here of the guards of prefixes, namespaces and tags, which would else be asked about at every read.

use super::wire::{Reply, integer};
use super::{Shared, names};
use crate::error::Result;
use crate::key::CacheKey;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The guards of one kind, by what they are called here.
#[derive(Debug)]
pub(super) struct Book<K> {
    /// How long after it was asked for a guard is believed; not at all where asking costs nothing.
    lag: Duration,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    guards: HashMap<K, (u64, Instant)>,
    /// Raised by everything that makes what is on its way out of date.
    epoch: u64,
}

/// When something was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    epoch: u64,
    at: Instant,
}

impl<K: Eq + Hash> Book<K> {
    /// So many guards are remembered; of more, those that are not believed any longer are forgotten, then all.
    const MOST: usize = 65_536;

    pub(super) fn new(lag: Duration) -> Self {
        let known = Known {
            guards: HashMap::new(),
            epoch: 0,
        };
        Self {
            lag,
            known: Mutex::new(known),
        }
    }

    /// Returns a guard, if it was asked for lately.
    pub(super) fn known<Q: Eq + Hash + ?Sized>(&self, name: &Q) -> Option<u64>
    where
        K: Borrow<Q>,
    {
        if self.lag.is_zero() {
            return None;
        }
        let known = self.lock();
        let (guard, at) = known.guards.get(name)?;
        (at.elapsed() < self.lag).then_some(*guard)
    }

    /// Says that something is being asked now.
    pub(super) fn ask(&self) -> Asked {
        Asked {
            epoch: self.lock().epoch,
            at: Instant::now(),
        }
    }

    /// Takes the answer, unless something has been cleared here since.
    pub(super) fn learn(&self, name: K, guard: u64, asked: Asked) {
        let mut known = self.lock();
        if self.lag.is_zero() || known.epoch != asked.epoch {
            return;
        }
        if known.guards.len() >= Self::MOST && !known.guards.contains_key(&name) {
            known.guards.retain(|_, (_, at)| at.elapsed() < self.lag);
            if known.guards.len() >= Self::MOST {
                known.guards.clear();
            }
        }
        let learnt = known.guards.entry(name).or_insert((guard, asked.at));
        if learnt.1 < asked.at {
            *learnt = (guard, asked.at);
        }
    }

    /// Forgets what is being cleared.
    pub(super) fn forget<Q: Eq + Hash + ?Sized>(&self, name: &Q)
    where
        K: Borrow<Q>,
    {
        let mut known = self.lock();
        known.epoch += 1;
        known.guards.remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, Known<K>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that is known.
#[derive(Debug)]
pub(super) struct Books {
    prefixes: Book<Box<str>>,
    /// `None` in a cluster: all keys would depend on the node that a namespace's guard lives on.
    namespaces: Option<Book<Box<str>>>,
    /// By namespace and id.
    pub(super) tags: Book<(Box<str>, u64)>,
}

impl Books {
    /// Believes guards for so long: those of prefixes, which are asked about together with a key where that is free; the others.
    pub(super) fn new(prefixes: Duration, others: Duration, is_cluster: bool) -> Self {
        Self {
            prefixes: Book::new(prefixes),
            namespaces: (!is_cluster).then(|| Book::new(others)),
            tags: Book::new(others),
        }
    }

    /// Says whether namespaces have guards.
    pub(super) fn has_namespaces(&self) -> bool {
        self.namespaces.is_some()
    }

    fn of(&self, name: &Named<'_>) -> Option<&Book<Box<str>>> {
        if name.is_namespace {
            self.namespaces.as_ref()
        } else {
            Some(&self.prefixes)
        }
    }

    /// Returns the guard of the namespace of a key, if it was asked for lately.
    pub(super) fn namespace(&self, key: &CacheKey) -> Option<u64> {
        match &self.namespaces {
            Some(namespaces) => namespaces.known(names::namespace_of(key.prefix())),
            None => Some(NO_GUARD),
        }
    }

    /// Forgets a scope that is being cleared, by its name.
    pub(super) fn forget(&self, scope: &str) {
        match names::parse(scope) {
            names::Parsed::Prefix(prefix) => self.prefixes.forget(prefix),
            names::Parsed::Namespace(namespace) => {
                if let Some(namespaces) = &self.namespaces {
                    namespaces.forget(namespace);
                }
            }
            names::Parsed::Tag(namespace, id) => self.tags.forget(&(Box::from(namespace), id)),
        }
    }
}

/// Stands for the guard of a namespace where there is none.
const NO_GUARD: u64 = 0;

/// Makes one stamp of the guards of a prefix and its namespace: random numbers both, and so is what comes of them.
pub(super) fn combined(prefix: u64, namespace: u64) -> u64 {
    (prefix ^ namespace.rotate_left(32)) & (u64::MAX >> 1)
}

/// One scope that some keys are in.
struct Named<'k> {
    text: &'k str,
    is_namespace: bool,
}

/// The guards of the prefixes and namespaces of some keys: those that are known, and those that are asked for now.
pub(super) struct ScopeGuards<'k> {
    books: &'k Books,
    names: Vec<Named<'k>>,
    /// Which of them are whose: a prefix, a namespace.
    whose: Vec<(usize, usize)>,
    guards: Vec<Result<Option<u64>>>,
    unknown: Vec<usize>,
    asked: [Option<Asked>; 2],
}

impl<'k> ScopeGuards<'k> {
    pub(super) fn of(books: &'k Books, keys: impl Iterator<Item = &'k CacheKey>) -> Self {
        let mut names: Vec<Named<'k>> = Vec::new();
        let mut place_of = |text: &'k str, is_namespace: bool| {
            let is_it = |name: &Named<'_>| name.is_namespace == is_namespace && name.text == text;
            names.iter().position(is_it).unwrap_or_else(|| {
                names.push(Named { text, is_namespace });
                names.len() - 1
            })
        };
        let whose = keys.map(|key| {
            let prefix = key.prefix();
            let namespace = names::namespace_of(prefix);
            (place_of(prefix, false), place_of(namespace, true))
        });
        let whose = whose.collect();
        let known = |name: &Named<'_>| {
            Ok(match books.of(name) {
                Some(book) => book.known(name.text),
                None => Some(NO_GUARD),
            })
        };
        let guards: Vec<_> = names.iter().map(known).collect();
        let unknown = (0..names.len()).filter(|place| !matches!(guards[*place], Ok(Some(_))));
        Self {
            unknown: unknown.collect(),
            asked: [Some(&books.prefixes), books.namespaces.as_ref()]
                .map(|book| book.map(Book::ask)),
            books,
            names,
            whose,
            guards,
        }
    }

    /// Lists the places of what has to be asked about.
    pub(super) fn unknown(&self) -> impl Iterator<Item = usize> {
        self.unknown.iter().copied()
    }

    /// Takes the answer about the scope in a place; `None` if it has no guard.
    pub(super) fn take(&mut self, place: usize, answer: Result<Option<u64>>) {
        let name = &self.names[place];
        let asked = self.asked[usize::from(name.is_namespace)];
        if let (Ok(Some(guard)), Some(book), Some(asked)) = (&answer, self.books.of(name), asked) {
            book.learn(name.text.into(), *guard, asked);
        }
        self.guards[place] = answer;
    }

    /// Takes the answers about all that is unknown, in that order.
    pub(super) fn take_all(&mut self, answers: impl Iterator<Item = Result<Reply>>) {
        for (place, answer) in self.unknown.clone().into_iter().zip(answers) {
            self.take(place, answer.map(|reply| integer(&reply.value)));
        }
    }

    /// Returns what is known for the key in a place, as one stamp.
    pub(super) fn of_key(&self, place: usize) -> Result<Option<u64>> {
        let (prefix, namespace) = self.whose[place];
        let prefix = self.guards[prefix].clone()?;
        let namespace = self.guards[namespace].clone()?;
        let both = prefix.zip(namespace);
        Ok(both.map(|(prefix, namespace)| combined(prefix, namespace)))
    }

    /// Returns what the guard of the scope in a place is called in Redis.
    pub(super) fn name(&self, place: usize) -> String {
        let Named { text, is_namespace } = self.names[place];
        if is_namespace {
            names::scope_guard(&names::namespace_scope(text))
        } else {
            names::scope_guard(text)
        }
    }
}

impl Shared {
    /// Returns the guard of a tag, if it was asked for lately.
    pub(super) fn known_tag(&self, namespace: &str, id: u64) -> Option<u64> {
        self.books.tags.known(&(Box::from(namespace), id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_secs(60);

    #[test]
    fn a_guard_is_known_for_as_long_as_it_may_lag() {
        let prefixes = Book::<Box<str>>::new(LAG);
        prefixes.learn("user".into(), 7, prefixes.ask());
        assert_eq!(
            (prefixes.known("user"), prefixes.known("other")),
            (Some(7), None)
        );
        let long_ago = Asked {
            at: Instant::now().checked_sub(LAG).unwrap(),
            ..prefixes.ask()
        };
        prefixes.learn("other".into(), 8, long_ago);
        assert_eq!(prefixes.known("other"), None);
    }

    #[test]
    fn an_older_answer_does_not_replace_a_newer_one() {
        let prefixes = Book::<Box<str>>::new(LAG);
        let (older, newer) = (prefixes.ask(), prefixes.ask());
        prefixes.learn("user".into(), 2, newer);
        prefixes.learn("user".into(), 1, older);
        assert_eq!(prefixes.known("user"), Some(2));
    }

    #[test]
    fn what_was_asked_before_a_clear_is_not_learnt_after_it() {
        let prefixes = Book::<Box<str>>::new(LAG);
        let asked = prefixes.ask();
        prefixes.forget("user");
        prefixes.learn("user".into(), 1, asked);
        assert_eq!(prefixes.known("user"), None);
    }

    #[test]
    fn without_a_lag_nothing_is_known() {
        let prefixes = Book::<Box<str>>::new(Duration::ZERO);
        prefixes.learn("user".into(), 7, prefixes.ask());
        assert_eq!(prefixes.known("user"), None);
    }

    #[test]
    fn not_more_is_known_than_there_is_room_for() {
        let book = Book::<u64>::new(LAG);
        let most = u64::try_from(Book::<u64>::MOST).unwrap();
        for name in 0..=most {
            book.learn(name, name, book.ask());
        }
        assert_eq!(book.known(&most), Some(most));
        assert!(book.lock().guards.len() <= Book::<u64>::MOST);
    }

    #[test]
    fn the_two_guards_of_a_key_make_one_stamp() {
        assert_ne!(combined(1, 2), combined(2, 1));
        assert_ne!(combined(1, 2), combined(1, 3));
        assert_ne!(combined(1, 2), combined(3, 2));
    }
}
