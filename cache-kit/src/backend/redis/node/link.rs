//! A connection in use, and whether anything is still heard from it.

use super::super::connect::Dialled;
use super::super::wire::ServerClock;
use redis::aio::MultiplexedConnection;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// A connection in use.
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    pub(super) clock: ServerClock,
    made: Instant,
    /// Since when it owes an answer and has given none, in microseconds since it was made; 0 if it
    /// owes none.
    owing: AtomicU64,
}

impl Link {
    pub(super) fn new(dialled: Dialled) -> Self {
        Self {
            connection: dialled.connection,
            clock: dialled.clock,
            made: Instant::now(),
            owing: AtomicU64::new(0),
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        // Never 0, which is nothing.
        u64::try_from((at - self.made).as_micros()).map_or(u64::MAX, |micros| micros.max(1))
    }

    pub(super) fn owe(&self, sent: Instant) {
        let _ =
            self.owing
                .compare_exchange(0, self.micros(sent), Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn hear(&self) {
        self.owing.store(0, Ordering::Relaxed);
    }

    /// Says whether nothing was heard since then of what was owed already. Then it is of no use;
    /// else one answer is merely late.
    pub(super) fn is_silent_since(&self, then: Instant) -> bool {
        let owing = self.owing.load(Ordering::Relaxed);
        owing != 0 && then > self.made && owing <= self.micros(then)
    }
}
