//! One question at a time for each key: who comes while one is on the wire shares the *next* one.
//!
//! Not the one on the wire, which may have been asked before an invalidation that the newcomer knows of.

use crate::flight::core::{Arrival, Flights, Joined, Leader};
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

const STRIPES: usize = 16;

/// Shares answers among those who ask the same.
pub(super) struct Coalescer<K: Eq + Hash + Clone, V: Clone> {
    /// Those who wait for the next question, by key.
    boarding: Flights<K, (), V>,
    wires: Wires<K>,
}

/// Which keys have a question on the wire.
struct Wires<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

/// The right to ask about a key.
struct Wire<'w, K: Eq + Hash> {
    wires: &'w Wires<K>,
    key: &'w K,
    right: Option<OwnedMutexGuard<()>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Coalescer<K, V> {
    pub(super) fn new() -> Self {
        Self {
            boarding: Flights::new(STRIPES),
            wires: Wires(Mutex::default()),
        }
    }

    /// Asks, or waits for somebody else's answer to a question that is asked later than now.
    ///
    /// If the one who asks is dropped, another asks.
    pub(super) async fn ask<F: Future<Output = V>>(
        &self,
        key: &K,
        question: impl FnOnce() -> F,
    ) -> V {
        let leader = match self.boarding.join(key, ()) {
            Joined::Lead(leader) => leader,
            Joined::Follow(follower) => match follower.await {
                Arrival::Landed(answer) => return answer,
                Arrival::Lead(leader) => leader,
            },
        };
        self.lead(key, leader, question).await
    }

    async fn lead<F: Future<Output = V>>(
        &self,
        key: &K,
        leader: Leader<K, (), V>,
        question: impl FnOnce() -> F,
    ) -> V {
        let wire = self.wires.take(key).await;
        // From now on it is too late to share this one.
        self.boarding.detach(key);
        let answer = question().await;
        leader.land(answer.clone());
        drop(wire);
        answer
    }
}

impl<K: Eq + Hash + Clone> Wires<K> {
    async fn take<'w>(&'w self, key: &'w K) -> Wire<'w, K> {
        // Made first: if this is dropped while it waits, the wire is put away all the same.
        let mut wire = Wire {
            wires: self,
            key,
            right: None,
        };
        let lock = Arc::clone(self.all().entry(key.clone()).or_default());
        wire.right = Some(lock.lock_owned().await);
        wire
    }
}

impl<K: Eq + Hash> Wires<K> {
    fn all(&self) -> MutexGuard<'_, HashMap<K, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Wire<'_, K> {
    fn drop(&mut self) {
        self.right = None;
        let mut all = self.wires.all();
        if all
            .get(self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            all.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::oneshot;

    /// Answers with the number of the question.
    #[derive(Default)]
    struct Desk(AtomicU32);

    impl Desk {
        async fn ask(&self, until: oneshot::Receiver<()>) -> u32 {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            let _ = until.await;
            number
        }
    }

    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        future.poll(&mut context)
    }

    #[tokio::test]
    async fn who_comes_while_a_question_is_on_the_wire_shares_the_next() {
        let (desk, coalescer) = (Desk::default(), Coalescer::<u8, u32>::new());
        let (release, held) = oneshot::channel();
        let (_, free) = oneshot::channel();
        let (_, unused) = oneshot::channel();
        let mut first = pin!(coalescer.ask(&1, || desk.ask(held)));
        assert!(poll_once(first.as_mut()).is_pending());
        let mut second = pin!(coalescer.ask(&1, || desk.ask(free)));
        let mut third = pin!(coalescer.ask(&1, || desk.ask(unused)));
        assert!(poll_once(second.as_mut()).is_pending());
        assert!(poll_once(third.as_mut()).is_pending());
        assert_eq!(desk.0.load(Ordering::SeqCst), 1);
        release.send(()).unwrap();
        assert_eq!(first.await, 1);
        assert_eq!((second.await, third.await), (2, 2));
    }

    #[tokio::test]
    async fn who_asks_and_is_dropped_leaves_the_question_to_another() {
        let (desk, coalescer) = (Desk::default(), Coalescer::<u8, u32>::new());
        let channels: Vec<_> = (0..3).map(|_| oneshot::channel::<()>()).collect();
        let (holds, held): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
        let [first, second, third] = <[_; 3]>::try_from(held).unwrap();
        let mut asking = Box::pin(coalescer.ask(&1, || desk.ask(first)));
        assert!(poll_once(asking.as_mut()).is_pending());
        let mut boarded = Box::pin(coalescer.ask(&1, || desk.ask(second)));
        assert!(poll_once(boarded.as_mut()).is_pending());
        let mut waiting = pin!(coalescer.ask(&1, || desk.ask(third)));
        assert!(poll_once(waiting.as_mut()).is_pending());
        drop(boarded);
        drop(asking);
        drop(holds);
        assert_eq!(waiting.await, 2);
    }

    #[tokio::test]
    async fn keys_do_not_wait_for_each_other_and_leave_nothing_behind() {
        let coalescer = Coalescer::<u8, u32>::new();
        let (_release, held) = oneshot::channel();
        let desk = Desk::default();
        let mut first = Box::pin(coalescer.ask(&1, || desk.ask(held)));
        assert!(poll_once(first.as_mut()).is_pending());
        assert_eq!(coalescer.ask(&2, async || 7).await, 7);
        drop(first);
        assert_eq!(coalescer.boarding.len(), 0);
        assert!(coalescer.wires.all().is_empty());
    }
}
