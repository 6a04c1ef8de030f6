//! What Redis still has to be told: invalidations that could not reach it. Until it has been told, what it has of these keys is not believed here.

use crate::key::CacheKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many keys are kept one by one; then their prefixes stand for them.
const MOST_KEYS: usize = 65_536;

/// What is owed: the name of what has to go, and which time that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Debt {
    Key(CacheKey, u64),
    Prefix(Box<str>, u64),
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    debts: Mutex<Debts>,
    /// How many there are, to be seen without a lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Debts {
    keys: HashMap<CacheKey, u64>,
    prefixes: HashMap<Box<str>, u64>,
    last: u64,
    /// A task is paying.
    is_being_paid: bool,
}

impl Journal {
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn owe_key(&self, key: &CacheKey) {
        let mut debts = self.lock();
        let number = debts.next();
        debts.keys.insert(key.clone(), number);
        if debts.keys.len() > MOST_KEYS {
            debts.collapse();
        }
        self.count_again(&debts);
    }

    pub(super) fn owe_prefix(&self, prefix: &str) {
        let mut debts = self.lock();
        let number = debts.next();
        debts.prefixes.insert(prefix.into(), number);
        self.count_again(&debts);
    }

    /// Returns what is owed about a key: itself, its prefix.
    pub(super) fn about(&self, key: &CacheKey) -> Vec<Debt> {
        if self.is_empty() {
            return Vec::new();
        }
        let debts = self.lock();
        let own = debts.keys.get(key);
        let own = own.map(|number| Debt::Key(key.clone(), *number));
        let prefix = debts.prefixes.get_key_value(key.prefix());
        let prefix = prefix.map(|(prefix, number)| Debt::Prefix(prefix.clone(), *number));
        own.into_iter().chain(prefix).collect()
    }

    /// Says whether what Redis has of a key is out of date.
    pub(super) fn is_poisoned(&self, key: &CacheKey) -> bool {
        !self.is_empty() && {
            let debts = self.lock();
            debts.keys.contains_key(key) || debts.prefixes.contains_key(key.prefix())
        }
    }

    /// Returns some of what is owed.
    pub(super) fn some(&self, most: usize) -> Vec<Debt> {
        let debts = self.lock();
        let prefixes = debts.prefixes.iter();
        let prefixes = prefixes.map(|(prefix, number)| Debt::Prefix(prefix.clone(), *number));
        let keys = debts.keys.iter();
        let keys = keys.map(|(key, number)| Debt::Key(key.clone(), *number));
        prefixes.chain(keys).take(most).collect()
    }

    /// Strikes out what Redis was told, unless the same has come to be owed again since.
    pub(super) fn settle(&self, debt: &Debt) {
        let mut debts = self.lock();
        match debt {
            Debt::Key(key, number) if debts.keys.get(key) == Some(number) => {
                debts.keys.remove(key);
            }
            Debt::Prefix(prefix, number) if debts.prefixes.get(prefix) == Some(number) => {
                debts.prefixes.remove(prefix);
            }
            _ => {}
        }
        self.count_again(&debts);
    }

    /// Says whether somebody has to begin to pay, and takes it that the caller does.
    pub(super) fn begin(&self) -> bool {
        let mut debts = self.lock();
        !debts.is_empty() && !std::mem::replace(&mut debts.is_being_paid, true)
    }

    /// Ends paying, unless there is something left to pay.
    pub(super) fn end(&self) -> bool {
        let mut debts = self.lock();
        debts.is_being_paid = !debts.is_empty();
        !debts.is_being_paid
    }

    /// Ends paying, whatever is left: whoever paid is gone.
    pub(super) fn give_up(&self) {
        self.lock().is_being_paid = false;
    }

    fn count_again(&self, debts: &Debts) {
        let count = debts.keys.len() + debts.prefixes.len();
        self.count.store(count, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Debts> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debts {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.prefixes.is_empty()
    }

    /// Owes the prefixes in place of all keys: that says more, and takes less room.
    fn collapse(&mut self) {
        for key in std::mem::take(&mut self.keys).into_keys() {
            let number = self.next();
            self.prefixes.insert(key.prefix().into(), number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: usize) -> CacheKey {
        CacheKey::new(format!("user:{id}").into(), 4)
    }

    #[test]
    fn a_key_is_poisoned_until_its_debt_is_settled() {
        let journal = Journal::default();
        assert!(!journal.is_poisoned(&key(1)));
        journal.owe_key(&key(1));
        assert!(journal.is_poisoned(&key(1)) && !journal.is_poisoned(&key(2)));
        for debt in journal.about(&key(1)) {
            journal.settle(&debt);
        }
        assert!(!journal.is_poisoned(&key(1)) && journal.is_empty());
    }

    #[test]
    fn what_is_owed_again_meanwhile_stays_owed() {
        let journal = Journal::default();
        journal.owe_key(&key(1));
        let paid = journal.some(10);
        journal.owe_key(&key(1));
        journal.settle(&paid[0]);
        assert!(journal.is_poisoned(&key(1)));
    }

    #[test]
    fn too_many_keys_become_their_prefixes() {
        let journal = Journal::default();
        for id in 0..=MOST_KEYS {
            journal.owe_key(&key(id));
        }
        assert_eq!(journal.len(), 1);
        assert!(journal.is_poisoned(&key(0)) && journal.is_poisoned(&key(usize::MAX)));
    }

    #[test]
    fn one_pays_at_a_time_and_not_before_there_is_something_to_pay() {
        let journal = Journal::default();
        assert!(!journal.begin());
        journal.owe_prefix("user");
        assert!(journal.begin() && !journal.begin());
        assert!(!journal.end());
        journal.settle(&journal.some(1)[0]);
        assert!(journal.end());
        journal.owe_prefix("user");
        assert!(journal.begin());
        journal.give_up();
        assert!(journal.begin());
    }
}
