use super::Shared;
use super::script::RELEASE;
use super::wire::Request;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Is the right to store under one key, while its guard stays what it was.
pub struct RedisPermit {
    pub(super) key: CacheKey,
    pub(super) guard: u64,
    pub(super) prefix_guard: u64,
    /// Held where this process is the one to load.
    pub(super) lease: Option<Arc<Lease>>,
}

impl fmt::Debug for RedisPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisPermit")
            .field("has_lease", &self.lease.is_some())
            .finish_non_exhaustive()
    }
}

/// A lease that is this process'. Dropped without a fill, it is given back, so that nobody waits
/// for a load that is not under way. Of those who opened one after another each has one, and one of
/// them loads: the last who drops it gives it back.
pub(super) struct Lease {
    shared: Weak<Shared>,
    name: Arc<str>,
    guard: u64,
    is_settled: AtomicBool,
    /// Whether somebody opened with it already, who may be loading or have loaded.
    is_shared: AtomicBool,
}

impl Lease {
    pub(super) fn new(
        shared: &Arc<Shared>,
        name: String,
        guard: u64,
        is_shared: bool,
    ) -> Arc<Self> {
        let name = Arc::from(name);
        shared.leases.add(&name, guard);
        Arc::new(Self {
            shared: Arc::downgrade(shared),
            name,
            guard,
            is_settled: AtomicBool::new(false),
            is_shared: AtomicBool::new(is_shared),
        })
    }

    /// Says whether somebody opened with it before; from now on somebody has.
    pub(super) fn share(&self) -> bool {
        self.is_shared.swap(true, Ordering::Relaxed)
    }

    /// Says that a fill gives it back.
    pub(super) fn settle(&self) {
        self.is_settled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let is_last = shared.leases.remove(&self.name, self.guard);
        if !is_last || *self.is_settled.get_mut() {
            return;
        }
        // Without a runtime it ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let mut cmd = RELEASE.call(&[&self.name]);
            cmd.arg(shared.lease_of(self.guard));
            let request = Request::new(cmd, &self.name);
            let background = shared.background.clone();
            background.spawn(&runtime, async move {
                let _ = shared.router.send_one(request).await;
            });
        }
    }
}

/// How many have each lease that is this process', by its name and guard.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<(Arc<str>, u64), usize>>);

impl Leases {
    fn add(&self, name: &Arc<str>, guard: u64) {
        *self.lock().entry((Arc::clone(name), guard)).or_default() += 1;
    }

    /// Says whether that was the last.
    fn remove(&self, name: &Arc<str>, guard: u64) -> bool {
        let mut counts = self.lock();
        let Entry::Occupied(mut count) = counts.entry((Arc::clone(name), guard)) else {
            return true;
        };
        *count.get_mut() -= 1;
        let is_last = *count.get() == 0;
        if is_last {
            count.remove();
        }
        is_last
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Arc<str>, u64), usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// What a lease of ours holds: the guard it is good for, and who we are.
    pub(super) fn lease_of(&self, guard: u64) -> String {
        format!("{guard}:{}", self.owner)
    }
}

/// Makes a number that nobody has made before: 63 random bits, and never 0.
pub(super) fn new_guard() -> Result<u64> {
    let random = getrandom::u64().map_err(|error| {
        Error::BackendError(format!("no randomness is to be had: {error}").into())
    })?;
    Ok((random >> 1).max(1))
}
