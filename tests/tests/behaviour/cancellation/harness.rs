//! Polls a call a number of times, drops it, and checks the state that it leaves.

use super::table::{Row, Table};
use cache_kit::prelude::*;
use cache_kit_tests::soon;
use futures::future::LocalBoxFuture;
use std::fmt::Debug;
use std::task::Poll;
use std::time::Duration;

/// A call that returns versions.
pub(super) type Asking = LocalBoxFuture<'static, Vec<u64>>;
pub(super) type Doing = LocalBoxFuture<'static, ()>;

/// How often a follower is polled: enough to reach the flight of the leader.
const JOINS: usize = 12;

/// More often than any call has to be polled.
const ENDLESS: usize = 1000;

/// How a call that has been polled a few times ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Dropped,
    /// A follower takes over and is dropped too.
    DroppedWithItsSuccessor,
    DroppedThenChanged,
    ChangedThenDropped,
    /// It is not cancelled, but it loads an old version.
    ChangedThenFinished,
}

const ENDS: [End; 5] = [
    End::Dropped,
    End::DroppedWithItsSuccessor,
    End::DroppedThenChanged,
    End::ChangedThenDropped,
    End::ChangedThenFinished,
];

/// One way of reading.
pub(super) struct Reading<B: CacheBackend> {
    pub(super) prepare: fn(Table<B>) -> Doing,
    pub(super) ask: fn(Table<B>) -> Asking,
    /// Another caller of the same.
    pub(super) follow: fn(Table<B>) -> Asking,
    pub(super) invalidate: fn(Table<B>) -> Doing,
    /// How many later calls can be given a version from before a change without invalidation.
    pub(super) lag: usize,
    /// How often the call is polled at least, when it is not cancelled.
    pub(super) awaits: usize,
}

impl<B: CacheBackend> Reading<B> {
    /// A read from a cold cache.
    pub(super) fn of(ask: fn(Table<B>) -> Asking) -> Self {
        Self {
            prepare: |_| Box::pin(async {}),
            ask,
            follow: ask,
            invalidate: |table| {
                Box::pin(async move { table.cache.invalidate::<Row>(&1).await.unwrap() })
            },
            lag: 0,
            awaits: 8,
        }
    }
}

/// Polls a call this many times, and lets other tasks run in between. Returns its answer if it
/// completes.
pub(super) async fn polled<F: Future + Unpin>(call: &mut F, polls: usize) -> Option<F::Output> {
    for _ in 0..polls {
        if let Poll::Ready(answer) = futures::poll!(&mut *call) {
            return Some(answer);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    None
}

/// Cancels a read at each of its awaits.
pub(super) async fn cancel_at_each_await<B: CacheBackend + Debug>(
    store: fn(&cache_kit::ManualClock) -> B,
    reading: Reading<B>,
) {
    for end in ENDS {
        let mut polls = 0;
        while !cancel(&Table::over(store), &reading, polls, end).await {
            polls += 1;
            assert!(polls < ENDLESS, "{end:?}: it does not complete");
        }
        assert!(polls >= reading.awaits, "{end:?}: it has {polls} awaits");
    }
}

/// Cancels a read after this many polls. Returns whether it had completed by itself.
async fn cancel<B: CacheBackend + Debug>(
    table: &Table<B>,
    reading: &Reading<B>,
    polls: usize,
    end: End,
) -> bool {
    let case = format!("{end:?} after {polls} polls");
    (reading.prepare)(table.clone()).await;
    let mut call = Caller::new((reading.ask)(table.clone()));
    call.poll(polls).await;
    let is_complete = call.told.is_some();
    let mut followers = [(); 2].map(|()| Caller::new((reading.follow)(table.clone())));
    for follower in &mut followers {
        follower.poll(JOINS).await;
    }
    // It begins after the change, if there is one.
    let mut late = Caller::new((reading.ask)(table.clone()));
    match end {
        End::Dropped | End::DroppedWithItsSuccessor => {
            call.cancel();
            late.cancel();
        }
        End::DroppedThenChanged => {
            call.cancel();
            change(table, reading).await;
        }
        End::ChangedThenDropped => {
            change(table, reading).await;
            late.poll(JOINS).await;
            call.cancel();
        }
        End::ChangedThenFinished => change(table, reading).await,
    }
    if end == End::DroppedWithItsSuccessor {
        followers[0].poll(2).await;
        followers[0].cancel();
    }
    let [one, two] = followers;
    let told = all_told([late, call, one, two]).await;
    if let Some(late) = &told[0] {
        let current = table.version();
        assert!(
            late.iter().all(|version| *version == current),
            "{case}: {late:?}"
        );
    }
    later_calls_are_right(table, reading, told, &case).await;
    is_complete
}

/// Changes the rows. The invalidation is acknowledged.
async fn change<B: CacheBackend>(table: &Table<B>, reading: &Reading<B>) {
    table.change();
    (reading.invalidate)(table.clone()).await;
}

/// A caller, which is answered or cancelled.
pub(super) struct Caller {
    /// `None` when it is answered or cancelled.
    asking: Option<Asking>,
    pub(super) told: Option<Vec<u64>>,
}

impl Caller {
    pub(super) fn new(asking: Asking) -> Self {
        Self {
            asking: Some(asking),
            told: None,
        }
    }

    /// Polls it this many times, unless it completes.
    pub(super) async fn poll(&mut self, polls: usize) {
        if let Some(asking) = &mut self.asking {
            self.told = polled(asking, polls).await;
        }
        if self.told.is_some() {
            self.asking = None;
        }
    }

    pub(super) fn cancel(&mut self) {
        self.asking = None;
    }

    async fn end(mut self) -> Option<Vec<u64>> {
        match self.asking.take() {
            Some(asking) => Some(asking.await),
            None => self.told,
        }
    }
}

/// Runs all callers that were not cancelled to their end, concurrently: each can wait for another.
pub(super) async fn all_told<const N: usize>(callers: [Caller; N]) -> Vec<Option<Vec<u64>>> {
    soon(futures::future::join_all(callers.map(Caller::end))).await
}

/// Asserts that each answer was right at some time, and that later calls get the current version.
async fn later_calls_are_right<B: CacheBackend + Debug>(
    table: &Table<B>,
    reading: &Reading<B>,
    told: Vec<Option<Vec<u64>>>,
    case: &str,
) {
    let current = table.version();
    let mut versions = told.iter().flatten().flatten();
    let was_true = versions.all(|version| (1..=current).contains(version));
    assert!(was_true, "{case}: {told:?}, it is {current}");
    for call in 0..reading.lag + 2 {
        soon(table.cache.run_pending_tasks()).await.unwrap();
        let found = soon((reading.ask)(table.clone())).await;
        let is_current = found.iter().all(|version| *version == current);
        assert!(
            is_current || call < reading.lag,
            "{case}: {found:?}, it is {current}, after {told:?}"
        );
    }
    soon(table.cache.run_pending_tasks()).await.unwrap();
    table.assert_landed(case);
}

/// Runs tests over a store in memory, one of bytes that is near, and one that is far.
macro_rules! on_each_store {
    ($($name:ident)*) => {$(
        mod $name {
            use cache_kit_tests::Paced;

            #[tokio::test(start_paused = true)]
            async fn in_memory() {
                super::$name(Paced::in_memory).await;
            }

            #[tokio::test(start_paused = true)]
            async fn in_bytes() {
                super::$name(Paced::near).await;
            }

            #[tokio::test(start_paused = true)]
            async fn far_away() {
                super::$name(Paced::far).await;
            }
        }
    )*};
}

pub(super) use on_each_store;
