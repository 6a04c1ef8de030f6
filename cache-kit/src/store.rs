//! What a store of entries must do: [`CacheBackend`], which its authors implement, and the words of
//! the protocol.

mod erased;
pub(crate) mod tag;

#[doc(hidden)]
pub use erased::Soon;
pub(crate) use erased::{AnyPermit, Store};

pub use crate::codec::Encoding;
pub use crate::entity::shape::{Erased, Shape};
use crate::error::{Error, Result};
use crate::key::CacheKey;
pub use crate::key::KeyRef;
use crate::observe::Watcher;
pub use crate::runtime::clock::{Age, Clock};
pub use crate::store::tag::{Scope, Tag};
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// Stores entries of any type, and keeps the promise that nothing stale is ever stored.
///
/// The trait knows no strategies and no types: values are [`Erased`], a [`Shape`] tells what a
/// backend must know of them. Methods take slices and answer once for each item, in the order
/// asked, so that a partial failure stays partial.
///
/// # The fill protocol
/// Every load is bracketed: [`open`](Self::open) comes *before* the repository is asked and gives a
/// permit; [`fill`](Self::fill) consumes it, and stores only if no invalidation, put or clear of
/// that key came in between. A permit is a type of the backend's own, so nobody else can make one.
/// A store that can only get, set and delete cannot do this; the suite of feature `testing`
/// (`testing::conformance`) tells.
///
/// Every [`Stamp`] that a miss or an open returns names the key's state: an acknowledged
/// invalidation, put or clear changes it for ever. Callers share one load only while their stamps
/// are equal.
///
/// # Cancel safety
/// A future may be dropped at any point. A call that may have changed the store must leave it as if
/// the call had happened, or had not; an abandoned `fill` or `put` must not leave an entry that an
/// invalidation could not reach.
pub trait CacheBackend: Clone + Send + Sync + 'static {
    /// What `open` gives and `fill` or `put` consumes.
    type Permit: Send + Sync + 'static;

    /// Answers a read at once, without a future; `None` if it has to be awaited. Costs no round
    /// trip and no allocation.
    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        let _ = (key, shape);
        None
    }

    /// Reads entries. A value of another type or layout is a miss.
    ///
    /// # Errors
    /// For each key on its own: [`Error::DeserializationError`] if what is stored there is corrupt,
    /// another error if the store could not be asked.
    fn read(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
    ) -> impl Future<Output = Vec<Result<Lookup>>> + Send;

    /// Gives a permit for each key, and what is stored there now.
    ///
    /// # Errors
    /// For each key on its own, if the store could not be asked.
    fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> impl Future<Output = Vec<Result<Opened<Self::Permit>>>> + Send;

    /// Stores what was loaded under each permit, unless the key was invalidated, put or cleared
    /// since.
    ///
    /// # Errors
    /// For each fill on its own, if the store could not be asked or the value could not be encoded.
    fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> impl Future<Output = Vec<Result<Filled>>> + Send;

    /// Replaces entries with values that were written to the repository after `open`. Where the key
    /// has changed since, the order of the two writes is unknown: the entry is dropped instead.
    /// Either way the key's stamp changes.
    ///
    /// # Errors
    /// For each put on its own. The entry may then be the old one: the caller must invalidate.
    fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> impl Future<Output = Vec<Result<Filled>>> + Send;

    /// Drops entries, and voids every permit that is open for them. When it returns, no later read
    /// sees the old value.
    ///
    /// # Errors
    /// For each key on its own, if the store could not be told.
    fn invalidate(&self, keys: &[CacheKey]) -> impl Future<Output = Vec<Result<()>>> + Send;

    /// Drops all entries of a scope, and voids their permits, in constant time.
    ///
    /// # Errors
    /// If the store could not be told; [`Error::ConfigError`] if it has no way to drop such a
    /// scope.
    fn clear(&self, scope: Scope<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Says in which state tags are, and then in which *epoch* the namespace's tags are, which ends
    /// before any of them is cleared.
    ///
    /// A tag that is known before the load is asked about before it. One that is known only from
    /// what was loaded is asked about after it, and stored only if the epoch is still the one from
    /// before the load: else the tag may have been cleared in between. An entry counts only while
    /// its tags are in the state that it was filled with. Their states are remembered for at least
    /// `lasts`, or for good; a lost one is a new one.
    ///
    /// # Errors
    /// If the store could not be asked.
    fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> impl Future<Output = Result<TagStamps>> + Send;

    /// Says whether the store can be used now.
    ///
    /// # Errors
    /// Why it cannot.
    fn health(&self) -> impl Future<Output = Result<()>> + Send;

    /// Does what was put off: tells a store far away what it could not be told before, tidies up
    /// one that is near.
    ///
    /// # Errors
    /// What kept it from being done.
    fn run_pending_tasks(&self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Returns about how many entries are stored, where that is known without asking anyone.
    fn entries(&self) -> Option<u64> {
        None
    }

    /// Tells a service from now on what nobody asked the store to do: what it evicts, and whether
    /// it can be used. Of the latter it is told at once, if that is known.
    fn watch(&self, watcher: Watcher) {
        let _ = watcher;
    }

    /// Says whether entries are so far away that a caller is not to wait for the fill of what it
    /// has loaded.
    fn is_remote(&self) -> bool {
        false
    }

    /// Promises that each of its futures is ready when it is polled first, as those of a store in
    /// this process can be. Such a future is polled on the stack and never boxed, and a function
    /// that is not `async` can be cached. A backend that breaks the promise fails with
    /// [`Error::ConfigError`], which names it.
    fn answers_at_once(&self) -> bool {
        false
    }
}

/// Is what a read found under a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Lookup {
    /// A fresh value.
    Hit {
        /// What is stored.
        value: Erased,
        /// How long ago it was stored.
        age: Age,
    },
    /// The fresh knowledge that the repository has no such entity.
    Absent {
        /// How long ago it was stored.
        age: Age,
    },
    /// A value whose time is over, kept for those who take it nevertheless.
    Stale(Stale),
    /// Nothing fresh, and the state the key is in; `None` where only `open` can tell.
    Miss(Option<Stamp>),
}

/// Is a value that has ended and is still kept. What was invalidated is never one.
#[derive(Clone, Debug)]
pub struct Stale {
    /// What is stored.
    pub value: Erased,
    /// How long ago it was stored.
    pub age: Age,
    /// How long ago its time was over.
    pub since: Duration,
    /// The state the key is in.
    pub stamp: Stamp,
}

/// Names the state of a key between two invalidations; never used again once the key was
/// invalidated.
// The number's bytes: the number itself would align all that holds one to 16.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp([u8; 16]);

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stamp").field(&self.get()).finish()
    }
}

impl Stamp {
    /// Builds a stamp from a number that the backend uses once for a key.
    #[must_use]
    pub const fn new(number: u128) -> Self {
        Self(number.to_ne_bytes())
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u128 {
        u128::from_ne_bytes(self.0)
    }
}

/// Is the state of tags, and of all tags of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagStamps {
    /// Of each tag, in the order asked.
    pub tags: Vec<Stamp>,
    /// Of the namespace: changes before a tag of it does.
    pub epoch: Stamp,
}

/// Is a tag of an entry, and the state in which it was when the entry was filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Which tag.
    pub tag: Tag,
    /// Its state.
    pub stamp: Stamp,
}

/// Says what a permit is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// The repository will be read; a `fill` follows.
    Load,
    /// The repository will be written; a `put` follows.
    Write,
}

/// Is the answer to `open`.
#[derive(Debug)]
pub struct Opened<P> {
    /// The right to fill or put, for as long as nothing invalidates it.
    pub permit: P,
    /// The state the permit belongs to.
    pub stamp: Stamp,
    /// What was stored when the permit was given.
    pub found: Lookup,
    /// Whose turn it is to load.
    pub lease: Lease,
}

/// Says whose turn it is to load, among all that share a store. It saves loads, and nothing more: a
/// permit is as good without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It is the caller's, or nobody shares the store.
    Held,
    /// It is this process', and not the caller's alone: who opened before may be loading, or have
    /// loaded.
    Shared,
    /// Somebody else is loading: what they load will be found by who opens again in a while.
    Taken,
}

/// Is one thing to store.
#[derive(Debug)]
pub struct Fill<P> {
    /// Where, and since when.
    pub permit: P,
    /// What.
    pub entry: Entry,
    /// For how long it is fresh; `None` is until it is evicted or invalidated.
    pub ttl: Option<Duration>,
    /// For how long after that it is kept, to be found [`Stale`].
    pub stale: Duration,
    /// What else than its key it can be dropped by.
    pub tags: Vec<Tagged>,
}

impl<P> Fill<P> {
    /// How long after it was stored it is gone, if ever.
    pub(crate) fn kept(&self) -> Option<Duration> {
        self.ttl.map(|ttl| ttl.saturating_add(self.stale))
    }
}

/// Is what an entry says of its key.
#[derive(Clone)]
#[non_exhaustive]
pub enum Entry {
    /// The repository has this.
    Value(Erased),
    /// The repository has nothing.
    Absent,
    /// The repository has nothing, and that is not to be remembered: what is stored is dropped.
    Gone,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value",
            Self::Absent => "Absent",
            Self::Gone => "Gone",
        })
    }
}

/// Says what became of a fill or a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Filled {
    /// It is stored.
    Stored,
    /// Something newer came first; nothing was stored.
    Superseded,
}

/// The tags of a fill, as an entry carries them: which one, and its stamp.
#[cfg(any(feature = "testing", feature = "redis"))]
pub(crate) fn tags_of<P>(fill: &Fill<P>) -> Vec<(u64, u64)> {
    let half = |stamp: Stamp| u64::try_from(stamp.get()).unwrap_or_default();
    let tags = fill.tags.iter();
    tags.map(|tagged| (tagged.tag.id(), half(tagged.stamp)))
        .collect()
}

/// Gives exactly `count` answers, whatever a backend returned: what it left out has failed.
pub(crate) fn padded<T>(answers: Vec<Result<T>>, count: usize) -> impl Iterator<Item = Result<T>> {
    let missing = || {
        Err(Error::BackendError(
            "the backend left a question unanswered".into(),
        ))
    };
    answers
        .into_iter()
        .chain(std::iter::repeat_with(missing))
        .take(count)
}

/// Gives the answer to a call about one key.
pub(crate) fn only<T>(answers: Vec<Result<T>>) -> Result<T> {
    padded(answers, 1).next().unwrap_or(Err(Error::CacheMiss))
}
