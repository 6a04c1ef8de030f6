//! What Redis still has to be told: invalidations that could not reach it. Until it has been told,
//! what it has of these keys is not believed here.

use super::names::{self, Copies};
use crate::key::CacheKey;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many keys are kept one by one; then their prefixes stand for them.
const MOST_KEYS: usize = 65_536;

/// What is owed: the name of what has to go, and which time that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Debt {
    Key(CacheKey, u64),
    Scope(Box<str>, u64),
}

#[derive(Debug)]
pub(super) struct Journal {
    copies: Copies,
    debts: Mutex<Debts>,
    /// How many there are, to be seen without a lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Debts {
    keys: HashMap<CacheKey, u64>,
    scopes: HashMap<Box<str>, u64>,
    /// Of the tags among them those whose epoch has ended since.
    ended: HashSet<Box<str>>,
    /// All of them, in the order in which they came to be owed.
    queue: BTreeMap<u64, Debt>,
    last: u64,
    /// A task is paying.
    is_being_paid: bool,
}

impl Journal {
    pub(super) fn new(copies: Copies) -> Self {
        Self {
            copies,
            debts: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn owe_key(&self, key: &CacheKey) {
        let mut debts = self.lock();
        debts.owe_key(key);
        if debts.keys.len() > MOST_KEYS {
            debts.collapse();
        }
        self.count_again(&debts);
    }

    pub(super) fn owe_scope(&self, scope: &str) {
        let mut debts = self.lock();
        debts.owe_scope(scope);
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
        let scopes = self.scopes_of(key, &debts);
        let scopes = scopes.iter().filter_map(|scope| debts.about_scope(scope));
        own.into_iter().chain(scopes).collect()
    }

    /// Returns what is owed about a scope.
    pub(super) fn about_scope(&self, scope: &str) -> Option<Debt> {
        if self.is_empty() {
            return None;
        }
        self.lock().about_scope(scope)
    }

    /// Says whether a tag has been cleared, and Redis does not know of it.
    pub(super) fn owes_tag(&self, namespace: &str, id: u64) -> bool {
        self.about_scope(&names::tag_scope(namespace, id)).is_some()
    }

    /// Says whether what Redis has of a key is out of date.
    pub(super) fn is_poisoned(&self, key: &CacheKey) -> bool {
        !self.is_empty() && {
            let debts = self.lock();
            let is_owed = |scope: &String| debts.scopes.contains_key(&**scope);
            debts.keys.contains_key(key) || self.scopes_of(key, &debts).iter().any(is_owed)
        }
    }

    /// The scopes that a key is in, where any is owed: to name them takes a while.
    fn scopes_of(&self, key: &CacheKey, debts: &Debts) -> Vec<String> {
        if debts.scopes.is_empty() {
            return Vec::new();
        }
        vec![key.prefix().to_owned(), self.copies.scope_of(key.prefix())]
    }

    /// Says whether the epoch of a tag that is owed has ended since it came to be owed.
    pub(super) fn has_ended(&self, scope: &str) -> bool {
        !self.is_empty() && self.lock().ended.contains(scope)
    }

    /// Notes that the epoch of a tag has ended since this came to be owed, unless the same has come
    /// to be owed again since.
    pub(super) fn end_epoch(&self, debt: &Debt) {
        let mut debts = self.lock();
        if let Debt::Scope(scope, number) = debt
            && debts.scopes.get(scope) == Some(number)
        {
            debts.ended.insert(scope.clone());
        }
    }

    /// Returns some of what came to be owed after a debt of that number; 0 is before all.
    pub(super) fn some_after(&self, number: u64, most: usize) -> Vec<Debt> {
        let debts = self.lock();
        let later = debts.queue.range(number + 1..);
        later.take(most).map(|(_, debt)| debt.clone()).collect()
    }

    /// The number of the newest debt there has been.
    pub(super) fn newest(&self) -> u64 {
        self.lock().last
    }

    /// Strikes out what Redis was told, unless the same has come to be owed again since.
    pub(super) fn settle(&self, debt: &Debt) {
        let mut debts = self.lock();
        match debt {
            Debt::Key(key, number) if debts.keys.get(key) == Some(number) => {
                debts.keys.remove(key);
                debts.queue.remove(number);
            }
            Debt::Scope(scope, number) if debts.scopes.get(scope) == Some(number) => {
                debts.scopes.remove(scope);
                debts.ended.remove(scope);
                debts.queue.remove(number);
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
        self.count.store(debts.queue.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Debts> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debt {
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Key(_, number) | Self::Scope(_, number) => *number,
        }
    }
}

impl Debts {
    fn about_scope(&self, scope: &str) -> Option<Debt> {
        let (scope, number) = self.scopes.get_key_value(scope)?;
        Some(Debt::Scope(scope.clone(), *number))
    }

    fn owe_key(&mut self, key: &CacheKey) {
        self.last += 1;
        let before = self.keys.insert(key.clone(), self.last);
        self.enqueue(before, Debt::Key(key.clone(), self.last));
    }

    fn owe_scope(&mut self, scope: &str) {
        self.last += 1;
        self.ended.remove(scope);
        let before = self.scopes.insert(scope.into(), self.last);
        self.enqueue(before, Debt::Scope(scope.into(), self.last));
    }

    /// Puts a debt last, in place of the same one of before.
    fn enqueue(&mut self, before: Option<u64>, debt: Debt) {
        if let Some(before) = before {
            self.queue.remove(&before);
        }
        self.queue.insert(debt.number(), debt);
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Owes the prefixes in place of all keys: that says more, and takes less room.
    fn collapse(&mut self) {
        for (key, number) in std::mem::take(&mut self.keys) {
            self.queue.remove(&number);
            self.owe_scope(key.prefix());
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
        let journal = Journal::new(Copies::One);
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
        let journal = Journal::new(Copies::One);
        journal.owe_key(&key(1));
        let paid = journal.some_after(0, 10);
        journal.owe_key(&key(1));
        journal.settle(&paid[0]);
        assert!(journal.is_poisoned(&key(1)));
    }

    #[test]
    fn an_epoch_that_ended_before_the_same_came_to_be_owed_again_ends_again() {
        let journal = Journal::new(Copies::One);
        let scope = names::tag_scope("billing", 7);
        journal.owe_scope(&scope);
        let debt = journal.about_scope(&scope).unwrap();
        assert!(!journal.has_ended(&scope));
        journal.end_epoch(&debt);
        assert!(journal.has_ended(&scope));
        journal.owe_scope(&scope);
        assert!(!journal.has_ended(&scope));
        journal.end_epoch(&debt);
        assert!(!journal.has_ended(&scope), "that was before");
        journal.settle(&journal.about_scope(&scope).unwrap());
        assert!(journal.is_empty());
    }

    #[test]
    fn debts_come_in_the_order_in_which_they_were_made() {
        let journal = Journal::new(Copies::One);
        (1..=3).for_each(|id| journal.owe_key(&key(id)));
        journal.owe_scope("role");
        journal.owe_key(&key(1));
        let all = journal.some_after(0, 10);
        let numbers: Vec<_> = all.iter().map(Debt::number).collect();
        assert_eq!(numbers, [2, 3, 4, 5]);
        assert_eq!(all[3], Debt::Key(key(1), 5));
        assert_eq!(journal.some_after(0, 2), all[..2]);
        assert_eq!(journal.some_after(3, 10), all[2..]);
        assert!(journal.some_after(5, 10).is_empty());
    }

    #[test]
    fn too_many_keys_become_their_prefixes() {
        let journal = Journal::new(Copies::One);
        for id in 0..=MOST_KEYS {
            journal.owe_key(&key(id));
        }
        assert_eq!(journal.len(), 1);
        assert!(journal.is_poisoned(&key(0)) && journal.is_poisoned(&key(usize::MAX)));
    }

    #[test]
    fn one_pays_at_a_time_and_not_before_there_is_something_to_pay() {
        let journal = Journal::new(Copies::One);
        assert!(!journal.begin());
        journal.owe_scope("user");
        assert!(journal.begin() && !journal.begin());
        assert!(!journal.end());
        journal.settle(&journal.some_after(0, 1)[0]);
        assert!(journal.end());
        journal.owe_scope("user");
        assert!(journal.begin());
        journal.give_up();
        assert!(journal.begin());
    }
}
