//! What is known here of the guards of prefixes, namespaces and tags, which would else be asked
//! about at every read.

use super::names::Copies;
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
    /// So many guards are remembered; of more, those that are not believed any longer are
    /// forgotten, then all.
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
    /// One, or in a cluster one for each copy of their guards: all keys would else depend on one
    /// node.
    namespaces: Vec<Book<Box<str>>>,
    /// By namespace and id.
    pub(super) tags: Book<(Box<str>, u64)>,
    copies: Copies,
}

impl Books {
    /// Believes guards for so long: those of prefixes, which are asked about together with a key
    /// where that is free; the others.
    pub(super) fn new(prefixes: Duration, others: Duration, copies: Copies) -> Self {
        Self {
            prefixes: Book::new(prefixes),
            namespaces: (0..copies.count()).map(|_| Book::new(others)).collect(),
            tags: Book::new(others),
            copies,
        }
    }

    fn of(&self, name: &Named<'_>) -> &Book<Box<str>> {
        match name.kind {
            Kind::Prefix => &self.prefixes,
            Kind::Namespace(copy) => &self.namespaces[copy],
        }
    }

    /// Returns the guard of the namespace of a key, if it was asked for lately.
    pub(super) fn namespace(&self, key: &CacheKey) -> Option<u64> {
        let copy = self.copies.place_of(key.prefix());
        self.namespaces[copy].known(names::namespace_of(key.prefix()))
    }

    /// Forgets a scope that is being cleared, by its name.
    pub(super) fn forget(&self, scope: &str) {
        match names::parse(scope) {
            names::Parsed::Prefix(prefix) => self.prefixes.forget(prefix),
            names::Parsed::Namespace(namespace, copy) => {
                if let Some(book) = self.namespaces.get(copy) {
                    book.forget(namespace);
                }
            }
            names::Parsed::Tag(namespace, id) => self.tags.forget(&(Box::from(namespace), id)),
        }
    }
}

/// Makes one stamp of the guards of a prefix and its namespace: random numbers both, and so is what
/// comes of them.
pub(super) fn combined(prefix: u64, namespace: u64) -> u64 {
    (prefix ^ namespace.rotate_left(32)) & (u64::MAX >> 1)
}

/// One scope that some keys are in.
struct Named<'k> {
    text: &'k str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prefix,
    /// By which copy of its guard.
    Namespace(usize),
}

/// The guards of the prefixes and namespaces of some keys: those that are known, and those that are
/// asked for now.
pub(super) struct ScopeGuards<'k> {
    books: &'k Books,
    names: Vec<Named<'k>>,
    /// Which of them are whose: a prefix, a namespace.
    whose: Vec<(usize, usize)>,
    guards: Vec<Result<Option<u64>>>,
    unknown: Vec<usize>,
    /// When each of them was.
    asked: Vec<Asked>,
}

impl<'k> ScopeGuards<'k> {
    pub(super) fn of(books: &'k Books, keys: impl Iterator<Item = &'k CacheKey>) -> Self {
        let mut names: Vec<Named<'k>> = Vec::new();
        let mut place_of = |text: &'k str, kind: Kind| {
            let is_it = |name: &Named<'_>| name.kind == kind && name.text == text;
            names.iter().position(is_it).unwrap_or_else(|| {
                names.push(Named { text, kind });
                names.len() - 1
            })
        };
        let whose = keys.map(|key| {
            let prefix = key.prefix();
            let namespace = names::namespace_of(prefix);
            let copy = Kind::Namespace(books.copies.place_of(prefix));
            (place_of(prefix, Kind::Prefix), place_of(namespace, copy))
        });
        let whose = whose.collect();
        let known = |name: &Named<'_>| Ok(books.of(name).known(name.text));
        let guards: Vec<_> = names.iter().map(known).collect();
        let unknown = (0..names.len()).filter(|place| !matches!(guards[*place], Ok(Some(_))));
        Self {
            unknown: unknown.collect(),
            asked: names.iter().map(|name| books.of(name).ask()).collect(),
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
        if let Ok(Some(guard)) = &answer {
            let book = self.books.of(name);
            book.learn(name.text.into(), *guard, self.asked[place]);
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
        let Named { text, kind } = self.names[place];
        match kind {
            Kind::Prefix => names::scope_guard(text),
            Kind::Namespace(copy) => names::scope_guard(&self.books.copies.scope(text, copy)),
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
