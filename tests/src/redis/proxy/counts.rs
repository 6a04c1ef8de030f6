use std::sync::atomic::{AtomicU64, Ordering};

/// What a proxy has seen since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many connections were accepted.
    pub accepted: u64,
    /// How many of them clients hold open now.
    pub open: u64,
    /// How many bytes clients have sent.
    pub request_bytes: u64,
    /// How many bytes the server has sent.
    pub reply_bytes: u64,
    /// How often the server answered after a client had asked, on the same connection: requests and
    /// answers that follow each other without a wait between them count once.
    pub round_trips: u64,
}

impl Counts {
    /// What has been added since an earlier time; `open` is as of now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            accepted: self.accepted - earlier.accepted,
            open: self.open,
            request_bytes: self.request_bytes - earlier.request_bytes,
            reply_bytes: self.reply_bytes - earlier.reply_bytes,
            round_trips: self.round_trips - earlier.round_trips,
        }
    }
}

/// Counts while connections run.
#[derive(Default)]
pub(super) struct Meter {
    accepted: AtomicU64,
    closed: AtomicU64,
    request_bytes: AtomicU64,
    reply_bytes: AtomicU64,
    round_trips: AtomicU64,
}

impl Meter {
    pub(super) fn read(&self) -> Counts {
        // Closed before accepted: a connection that does both in between counts as open, not as
        // less than nothing.
        let closed = get(&self.closed);
        let accepted = get(&self.accepted);
        Counts {
            accepted,
            open: accepted - closed,
            request_bytes: get(&self.request_bytes),
            reply_bytes: get(&self.reply_bytes),
            round_trips: get(&self.round_trips),
        }
    }

    pub(super) fn accept(&self) {
        add(&self.accepted, 1);
    }

    pub(super) fn close(&self) {
        add(&self.closed, 1);
    }

    pub(super) fn request(&self, bytes: usize) {
        add(&self.request_bytes, bytes);
    }

    pub(super) fn reply(&self, bytes: usize, ends_round_trip: bool) {
        add(&self.reply_bytes, bytes);
        add(&self.round_trips, usize::from(ends_round_trip));
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::SeqCst)
}

fn add(count: &AtomicU64, number: usize) {
    count.fetch_add(number as u64, Ordering::SeqCst);
}
