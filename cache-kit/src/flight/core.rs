//! The state machine of flights: no clock, no store, no runtime. The shuttle model in `tests`
//! compiles this very file.
//!
//! A flight has *seats* for those who load: one, until a load has failed in a way that cannot be
//! passed on; then a few, so that everyone who waits gets to ask for themselves, a bounded number
//! at a time. A seat that is given up (its owner was cancelled, panicked, or failed) goes to one
//! who waits. The flight ends when something lands, or when nobody is left.

use super::sync::{Arc, Mutex, MutexGuard};
use super::waiters::Waiters;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

/// How many load at once after a failure that cannot be shared.
pub(crate) const SEATS_AFTER_FAILURE: usize = 8;

type Slot<K, G, V> = (G, Arc<Flight<K, G, V>>);
type Table<K, G, V> = HashMap<K, Slot<K, G, V>, foldhash::fast::RandomState>;
type Stripes<K, G, V> = Arc<[Mutex<Table<K, G, V>>]>;

/// The flights in progress, the newest for each key.
pub(crate) struct Flights<K, G, V> {
    stripes: Stripes<K, G, V>,
    hasher: foldhash::fast::RandomState,
}

/// One load, and where it is found. Those on it hold one pointer: ten thousand may wait.
struct Flight<K, G, V> {
    state: Mutex<State<V>>,
    key: K,
    stripe: usize,
    stripes: Stripes<K, G, V>,
}

struct State<V> {
    landed: Option<V>,
    /// Seats that nobody has taken.
    free: usize,
    is_widened: bool,
    /// Those who load now.
    leaders: usize,
    /// Those who wait, whether they have been polled yet or not.
    followers: usize,
    waiters: Waiters,
}

/// What `join` came to.
pub(crate) enum Joined<K: Eq + Hash + Clone, G: PartialEq, V: Clone> {
    Lead(Leader<K, G, V>),
    Follow(Follower<K, G, V>),
}

/// The right and the duty to load. Dropping it hands over.
pub(crate) struct Leader<K: Eq + Hash + Clone, G: PartialEq, V: Clone> {
    flight: Arc<Flight<K, G, V>>,
}

/// A flight that has landed and can still be joined. Dropping it ends that.
pub(crate) struct Landed<K: Eq + Hash + Clone, G: PartialEq, V: Clone> {
    flight: Arc<Flight<K, G, V>>,
}

/// Resolves when the flight lands, or when it is this one's turn to load.
pub(crate) struct Follower<K: Eq + Hash + Clone, G: PartialEq, V: Clone> {
    flight: Arc<Flight<K, G, V>>,
    ticket: Option<usize>,
}

/// What a follower waited for.
pub(crate) enum Arrival<K: Eq + Hash + Clone, G: PartialEq, V: Clone> {
    Landed(V),
    Lead(Leader<K, G, V>),
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Flights<K, G, V> {
    pub(crate) fn new(stripes: usize) -> Self {
        Self {
            stripes: (0..stripes.max(1))
                .map(|_| Mutex::new(Table::default()))
                .collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Joins the key's flight if its tag is the same, else begins one in its place. Whoever is
    /// on the old one stays there.
    pub(crate) fn join(&self, key: &K, tag: G) -> Joined<K, G, V> {
        let stripe = self.stripe(key);
        let mut table = lock(&self.stripes[stripe]);
        let flight = match table.entry(key.clone()) {
            Entry::Occupied(slot) if slot.get().0 == tag => Arc::clone(&slot.get().1),
            entry => {
                let flight = self.flight(stripe, key);
                entry.insert_entry((tag, Arc::clone(&flight)));
                return Joined::Lead(Leader { flight });
            }
        };
        // Under the table's lock: the flight cannot leave the table between here and taking a place
        // on it.
        let takes_seat = lock(&flight.state).enter();
        if takes_seat {
            Joined::Lead(Leader { flight })
        } else {
            Joined::Follow(Follower {
                flight,
                ticket: None,
            })
        }
    }

    /// Begins the key's flight, unless there is one with this tag.
    pub(crate) fn begin(&self, key: &K, tag: G) -> Option<Leader<K, G, V>> {
        let stripe = self.stripe(key);
        let mut table = lock(&self.stripes[stripe]);
        if table.get(key).is_some_and(|(known, _)| *known == tag) {
            return None;
        }
        let flight = self.flight(stripe, key);
        table.insert(key.clone(), (tag, Arc::clone(&flight)));
        Some(Leader { flight })
    }

    /// Takes a key's flight out of reach: who comes now begins a new one.
    pub(crate) fn detach(&self, key: &K) {
        lock(&self.stripes[self.stripe(key)]).remove(key);
    }

    /// Takes the flights of all keys that `is_meant` out of reach.
    pub(crate) fn detach_all(&self, is_meant: impl Fn(&K) -> bool) {
        for stripe in self.stripes.iter() {
            lock(stripe).retain(|key, _| !is_meant(key));
        }
    }

    /// How many keys have a flight.
    pub(crate) fn len(&self) -> usize {
        self.stripes.iter().map(|stripe| lock(stripe).len()).sum()
    }

    /// Builds a flight that one caller leads.
    fn flight(&self, stripe: usize, key: &K) -> Arc<Flight<K, G, V>> {
        let state = State {
            landed: None,
            free: 0,
            is_widened: false,
            leaders: 1,
            followers: 0,
            waiters: Waiters::default(),
        };
        Arc::new(Flight {
            state: Mutex::new(state),
            key: key.clone(),
            stripe,
            stripes: Arc::clone(&self.stripes),
        })
    }

    fn stripe(&self, key: &K) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a usize")]
        let index = (self.hasher.hash_one(key) % self.stripes.len() as u64) as usize;
        index
    }
}

impl<V> State<V> {
    /// Takes a seat if there is one, else a place among those who wait.
    fn enter(&mut self) -> bool {
        let takes_seat = self.take_seat();
        if !takes_seat {
            self.followers += 1;
        }
        takes_seat
    }

    fn widen(&mut self, seats: usize) {
        if !self.is_widened {
            self.is_widened = true;
            self.free += seats;
        }
    }

    fn take_seat(&mut self) -> bool {
        let is_free = self.landed.is_none() && self.free > 0;
        if is_free {
            self.free -= 1;
            self.leaders += 1;
        }
        is_free
    }
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Leader<K, G, V> {
    /// Gives everyone on the flight what was loaded, and ends it.
    pub(crate) fn land(self, landing: V) {
        self.flight.leave_table();
        drop(self.share(landing));
    }

    /// Gives everyone on the flight what was loaded, and whoever still comes until what is returned
    /// is dropped.
    pub(crate) fn share(self, landing: V) -> Landed<K, G, V> {
        let mut state = lock(&self.flight.state);
        state.landed = Some(landing);
        let waiters = state.waiters.take_all();
        drop(state);
        waiters.into_iter().for_each(Waker::wake);
        Landed {
            flight: Arc::clone(&self.flight),
        }
    }

    /// Gives up after a failure that the others cannot be told: a few of them may load at once from
    /// now on.
    pub(crate) fn scatter(self) {
        // Dropping `self` frees one seat more, and wakes.
        lock(&self.flight.state).widen(SEATS_AFTER_FAILURE - 1);
    }
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Follower<K, G, V> {
    /// Takes a seat if one is free, without waiting for it.
    pub(crate) fn take_over(&self) -> Option<Leader<K, G, V>> {
        let takes_seat = lock(&self.flight.state).take_seat();
        takes_seat.then(|| Leader {
            flight: Arc::clone(&self.flight),
        })
    }

    /// Leaves what has landed behind, being of no use to this one: who joins now begins a new
    /// flight.
    pub(crate) fn pass_over(self) {
        self.flight.leave_table();
    }

    /// Gives up on those who load: nobody joins this flight any more, and a few of those who wait
    /// may load as well.
    pub(crate) fn widen(&self) {
        self.flight.leave_table();
        self.flight
            .end_if_deserted(|state| state.widen(SEATS_AFTER_FAILURE));
    }
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Drop for Leader<K, G, V> {
    fn drop(&mut self) {
        self.flight.end_if_deserted(|state| {
            state.leaders -= 1;
            if state.landed.is_none() {
                state.free += 1;
            }
        });
    }
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Drop for Landed<K, G, V> {
    fn drop(&mut self) {
        self.flight.leave_table();
    }
}

// Nothing in it is pinned.
impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Unpin for Follower<K, G, V> {}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Future for Follower<K, G, V> {
    type Output = Arrival<K, G, V>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let flight = Arc::clone(&self.flight);
        let mut state = lock(&flight.state);
        if let Some(landed) = &state.landed {
            return Poll::Ready(Arrival::Landed(landed.clone()));
        }
        if state.take_seat() {
            drop(state);
            return Poll::Ready(Arrival::Lead(Leader {
                flight: Arc::clone(&self.flight),
            }));
        }
        self.ticket = Some(state.waiters.wait(self.ticket, context.waker()));
        Poll::Pending
    }
}

impl<K: Eq + Hash + Clone, G: PartialEq, V: Clone> Drop for Follower<K, G, V> {
    fn drop(&mut self) {
        let ticket = self.ticket.take();
        // A seat that this one was woken for goes to the next.
        self.flight.end_if_deserted(|state| {
            state.followers -= 1;
            if let Some(ticket) = ticket {
                state.waiters.leave(ticket);
            }
        });
    }
}

impl<K: Eq + Hash, G, V> Flight<K, G, V> {
    fn leave_table(self: &Arc<Self>) {
        self.remove_from(&mut lock(&self.stripes[self.stripe]));
    }

    fn remove_from(self: &Arc<Self>, table: &mut Table<K, G, V>) {
        if table
            .get(&self.key)
            .is_some_and(|(_, flight)| Arc::ptr_eq(flight, self))
        {
            table.remove(&self.key);
        }
    }

    /// Changes the state as someone leaves. Free seats wake as many of those who wait; if nobody is
    /// left at all, the flight ends.
    fn end_if_deserted(self: &Arc<Self>, change: impl FnOnce(&mut State<V>)) {
        // The table first, as in `join`: nobody can join a flight that is being found deserted.
        let mut table = lock(&self.stripes[self.stripe]);
        let mut state = lock(&self.state);
        change(&mut state);
        if state.landed.is_some() {
            return;
        }
        let seats = state.free;
        let woken = state.waiters.take(seats);
        if state.leaders == 0 && state.followers == 0 {
            self.remove_from(&mut table);
        }
        drop(state);
        drop(table);
        woken.into_iter().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code of a user's runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
