//! One question at a time for each key: who comes while one is on the wire shares the *next* one.
//!
//! Not the one on the wire, which may have been asked before an invalidation that the newcomer
//! knows of.

use foldhash::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// So long the next question waits for the one before it. That one may be late, or its caller may
/// have stopped polling it.
const PATIENCE: Duration = Duration::from_millis(10);

/// Shares answers among those who ask the same.
pub(super) struct Coalescer<K, V>(Lines<K, V>);

type Lines<K, V> = Arc<Mutex<Book<K, V>>>;

/// The keys that are being asked about.
struct Book<K, V> {
    open: HashMap<K, Line<V>>,
    /// How many questions there have been.
    asked: u64,
}

impl<K, V> Default for Book<K, V> {
    fn default() -> Self {
        Self {
            open: HashMap::default(),
            asked: 0,
        }
    }
}

struct Line<V> {
    /// Whose question is on the wire.
    number: u64,
    /// Told when that one is over, if anybody waits for it.
    over: Option<Arc<Notify>>,
    /// The answer to the next question, for all who wait for it.
    next: Option<watch::Receiver<Option<V>>>,
}

/// A question on the wire. It is over when this is dropped.
struct Wire<K: Eq + Hash, V> {
    lines: Lines<K, V>,
    key: K,
    number: u64,
}

impl<K, V> Coalescer<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Asks, or waits for the answer to a question that is asked later than now. Needs a Tokio
    /// runtime.
    ///
    /// A question that others wait for runs as a task of its own: it is answered whichever of them
    /// are dropped, or not polled.
    pub(super) async fn ask<F>(&self, key: K, question: impl Fn() -> F + Send + Sync + 'static) -> V
    where
        F: Future<Output = V> + Send,
    {
        let (mut next, question) = match self.join(key, question) {
            Joined::Asks(_on_the_wire, question) => return question().await,
            Joined::Waits(next, question) => (next, question),
        };
        let answer = next
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|answer| answer.clone());
        match answer {
            Some(answer) => answer,
            // The task that asked is gone: it panicked, or its runtime has ended.
            None => question().await,
        }
    }

    fn join<F, Q>(&self, key: K, question: Q) -> Joined<K, V, Q>
    where
        F: Future<Output = V> + Send,
        Q: Fn() -> F + Send + Sync + 'static,
    {
        let mut lines = lock(&self.0);
        let Some(line) = lines.open.get_mut(&key) else {
            let number = lines.begin(key.clone());
            let lines = Arc::clone(&self.0);
            return Joined::Asks(Wire { lines, key, number }, question);
        };
        let question = Arc::new(question);
        // Whose runtime has ended answers nobody.
        let next = line.next.as_ref();
        let next = next.filter(|next| next.has_changed().is_ok());
        let next = if let Some(next) = next {
            next.clone()
        } else {
            let before = Arc::clone(line.over.get_or_insert_default());
            let next = self.begin_next(key, before, Arc::clone(&question));
            line.next.insert(next).clone()
        };
        Joined::Waits(next, question)
    }

    /// Has the next question asked when the one on the wire is over.
    fn begin_next<F>(
        &self,
        key: K,
        before: Arc<Notify>,
        question: Arc<impl Fn() -> F + Send + Sync + 'static>,
    ) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send,
    {
        let (sender, receiver) = watch::channel(None);
        let lines = Arc::clone(&self.0);
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, before.notified()).await;
            // From now on it is too late to share this one.
            let number = lock(&lines).begin(key.clone());
            let wire = Wire { lines, key, number };
            let answer = question().await;
            let _ = sender.send(Some(answer));
            drop(wire);
        });
        receiver
    }
}

/// What becomes of one who asks.
enum Joined<K: Eq + Hash, V, Q> {
    Asks(Wire<K, V>, Q),
    Waits(watch::Receiver<Option<V>>, Arc<Q>),
}

impl<K: Eq + Hash, V> Book<K, V> {
    /// Puts a question on the wire; returns its number.
    fn begin(&mut self, key: K) -> u64 {
        self.asked += 1;
        let line = Line {
            number: self.asked,
            over: None,
            next: None,
        };
        self.open.insert(key, line);
        self.asked
    }
}

impl<K: Eq + Hash, V> Drop for Wire<K, V> {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        let line = lines.open.get_mut(&self.key);
        // Unless the next one did not wait.
        let Some(line) = line.filter(|line| line.number == self.number) else {
            return;
        };
        match line.over.take() {
            Some(over) => over.notify_one(),
            None => drop(lines.open.remove(&self.key)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Semaphore;
    use tokio::task::yield_now;

    /// Numbers its answers, and gives one for each permit.
    #[derive(Clone)]
    struct Desk {
        asked: Arc<AtomicU32>,
        permits: Arc<Semaphore>,
        coalescer: Arc<Coalescer<u8, u32>>,
    }

    impl Desk {
        fn new() -> Self {
            Self {
                asked: Arc::default(),
                permits: Arc::new(Semaphore::new(0)),
                coalescer: Arc::new(Coalescer::new()),
            }
        }

        async fn ask(&self, key: u8) -> u32 {
            let desk = self.clone();
            let question = move || {
                let desk = desk.clone();
                async move {
                    let number = desk.asked.fetch_add(1, Ordering::SeqCst) + 1;
                    desk.permits.acquire().await.unwrap().forget();
                    number
                }
            };
            self.coalescer.ask(key, question).await
        }

        fn spawn(&self, key: u8) -> tokio::task::JoinHandle<u32> {
            let desk = self.clone();
            tokio::spawn(async move { desk.ask(key).await })
        }

        fn asked(&self) -> u32 {
            self.asked.load(Ordering::SeqCst)
        }
    }

    async fn settle() {
        for _ in 0..20 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_a_question_is_on_the_wire_shares_the_next() {
        let desk = Desk::new();
        let first = desk.spawn(1);
        settle().await;
        let (second, third) = (desk.spawn(1), desk.spawn(1));
        settle().await;
        assert_eq!(desk.asked(), 1);
        desk.permits.add_permits(1);
        assert_eq!(first.await.unwrap(), 1);
        settle().await;
        let late = desk.spawn(1);
        settle().await;
        desk.permits.add_permits(2);
        assert_eq!((second.await.unwrap(), third.await.unwrap()), (2, 2));
        assert_eq!(late.await.unwrap(), 3);
        settle().await;
        assert!(lock(&desk.coalescer.0).open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_and_is_dropped_or_not_polled_holds_nobody_up() {
        let desk = Desk::new();
        let first = desk.spawn(1);
        settle().await;
        let second = desk.spawn(1);
        settle().await;
        // Not polled any more: the next one does not wait for ever.
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(desk.asked(), 2);
        first.abort();
        second.abort();
        let third = desk.spawn(1);
        settle().await;
        desk.permits.add_permits(10);
        assert!(third.await.unwrap() >= 2);
        settle().await;
        assert!(lock(&desk.coalescer.0).open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn keys_do_not_wait_for_each_other() {
        let desk = Desk::new();
        let first = desk.spawn(1);
        settle().await;
        let other = desk.spawn(2);
        settle().await;
        assert_eq!(desk.asked(), 2);
        desk.permits.add_permits(2);
        assert_eq!((first.await.unwrap(), other.await.unwrap()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_panics_is_asked_again_by_those_who_waited() {
        let coalescer = Arc::new(Coalescer::<u8, u32>::new());
        let asked = Arc::new(AtomicU32::new(0));
        let ask = |coalescer: Arc<Coalescer<u8, u32>>, asked: Arc<AtomicU32>| {
            tokio::spawn(async move {
                let question = move || {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    async move {
                        yield_now().await;
                        assert_ne!(number, 1, "the second question panics");
                        number
                    }
                };
                coalescer.ask(1, question).await
            })
        };
        let tasks: Vec<_> = (0..3)
            .map(|_| ask(Arc::clone(&coalescer), Arc::clone(&asked)))
            .collect();
        for task in tasks {
            assert_ne!(task.await.unwrap(), 1);
        }
    }
}
