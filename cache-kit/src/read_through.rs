//! The read-through: look up, join a flight or lead one, open, load, fill, land.

mod ahead;
mod by_index;
mod fill;
mod late;
mod load;
mod loading;
mod lookup;
mod now;
mod read;
mod reader;
mod stale;
mod tags;
mod turn;

pub(crate) use by_index::{peek_by, read_by};
pub(crate) use fill::{fill_of, to_fill};
pub(crate) use lookup::{Miss, Missed, Pass, Stale, Typed, landing_of};
pub(crate) use now::read_through_now;
pub(crate) use reader::{Reader, Waiting};
pub use stale::Detached;
pub(crate) use stale::{InBackground, Inline, Refresh, Verdict};
pub(crate) use tags::{Filling, Foretold};
pub(crate) use turn::Turn;

use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::key::KeyWriter;
use crate::observe::Operation;
use crate::outcome::{CachedOutput, EntityOf, Payload, Seen, Source};
use crate::service::CacheService;
use crate::strategy::CacheStrategy;
use read::{Ended, Read};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tracing::Instrument;

/// Answers a call at once if the entry is in reach. Nothing is counted but a hit: a miss goes on to [`read_through`].
pub(crate) fn peek<B, O>(cache: &CacheService<B>, key: &KeyWriter, call: &Call<O>) -> Option<O>
where
    B: CacheBackend,
    O: CachedOutput,
{
    if !matches!(call.strategy, CacheStrategy::Refresh | CacheStrategy::Fresh) {
        return None;
    }
    let reader = Reader::<B, EntityOf<O>>::new(cache);
    let lookup = Typed::within(call.age_limit, reader.peek(key)?);
    if is_early(&reader, call, &lookup) {
        return None;
    }
    let output = answer(&reader, lookup).ok()?;
    tracing::trace!(key = shown(key), "hit");
    Some(output)
}

/// The key for who traces.
fn shown(key: &KeyWriter) -> Option<impl tracing::Value> {
    key.to_key().ok().map(tracing::field::display)
}

/// Runs a call to its end; `body` is polled only if the repository has to be asked. What is stale and serves is refreshed by `refresh`, or by this call.
///
/// The future is boxed: a call that hits does not come here, and should not have to keep room for what it does not do.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a borrowed key would tie the future to it"
)]
pub(crate) fn read_through<B, O, F>(
    cache: &CacheService<B>,
    key: KeyWriter,
    call: Call<O>,
    refresh: impl Refresh<B, O>,
    body: Pin<&mut F>,
) -> Pin<Box<impl Future<Output = O>>>
where
    B: CacheBackend,
    O: CachedOutput,
    F: Future<Output = O>,
{
    // Here, so that the future need not hold the writer.
    let (prefix, strategy) = (EntityOf::<O>::cache_prefix(), call.strategy);
    let span = tracing::debug_span!("cache_call", prefix, ?strategy);
    let plan = Plan::of(cache, &key, call);
    tracing::trace!(parent: &span, key = shown(&key), "asked");
    let run = async move {
        match plan.look_up(&refresh).await {
            Ok(output) => output,
            Err(miss) => {
                let asked = plan.ask(miss, &refresh, body).await;
                asked.unwrap_or_else(|ended| ended.output)
            }
        }
    };
    Box::pin(run.instrument(span))
}

/// Loads past all flights, and stores what comes as the strategy says.
pub(crate) async fn load_beside<B, O, F>(
    cache: &CacheService<B>,
    key: &KeyWriter,
    call: Call<O>,
    body: Pin<&mut F>,
) -> O
where
    B: CacheBackend,
    O: CachedOutput,
    F: Future<Output = O>,
{
    let asked = match Plan::of(cache, key, call) {
        Plan::Read(read) => Box::pin(read.load_alone(None, body)).await,
        plan => plan.ask(Missed::Unreachable.into(), &Inline, body).await,
    };
    asked.unwrap_or_else(|ended| ended.output)
}

/// Draws whether a hit is to be loaded again before it ends. It is drawn once a call: what is read again after a peek is not drawn again.
fn is_early<B, O>(
    reader: &Reader<'_, B, EntityOf<O>>,
    call: &Call<O>,
    lookup: &Typed<EntityOf<O>>,
) -> bool
where
    B: CacheBackend,
    O: CachedOutput,
{
    let Typed::Hit(_, age) = lookup else {
        return false;
    };
    let Some(beta) = reader.cache.early_refresh::<EntityOf<O>>(call.lifetime) else {
        return false;
    };
    if call.strategy != CacheStrategy::Refresh {
        return false;
    }
    if call.is_early.load(Ordering::Relaxed) {
        return true;
    }
    let prefix = EntityOf::<O>::cache_prefix();
    let early = &reader.cache.inner().early;
    let is_drawn = age
        .left()
        .is_some_and(|left| early.draw(prefix, beta, left));
    call.is_early.store(is_drawn, Ordering::Relaxed);
    is_drawn
}

/// How an output says what the cache found wrong, if it can.
type Carry<O> = Option<fn(Error) -> O>;

/// What has to be done for a call that was not answered at once, in two steps: [`look_up`](Self::look_up), and after a miss
/// [`ask`](Self::ask).
pub(crate) enum Plan<'c, B: CacheBackend, O: CachedOutput> {
    /// Through the cache.
    Read(Box<Read<'c, B, O>>),
    /// Beside it, within a time.
    Load(Reader<'c, B, EntityOf<O>>, Carry<O>, Option<Duration>),
    /// Not at all, for what was declared cannot work; beside the cache where the output cannot say so, unless a miss is all that is wanted.
    Refuse(
        Reader<'c, B, EntityOf<O>>,
        Carry<O>,
        Error,
        Option<fn() -> O>,
    ),
}

impl<'c, B: CacheBackend, O: CachedOutput> Plan<'c, B, O> {
    pub(crate) fn of(cache: &'c CacheService<B>, key: &KeyWriter, call: Call<O>) -> Self {
        let reader = Reader::new(cache);
        if call.strategy == CacheStrategy::Bypass {
            let limit = cache.timeouts(call.timeouts).hard;
            return Self::Load(reader, call.carry, limit);
        }
        match reader.admit(key, call.lifetime) {
            Ok(key) => Self::Read(Box::new(Read::new(reader, key, call))),
            Err(error) => Self::Refuse(reader, call.carry, error, call.fresh_miss()),
        }
    }

    /// Asks the cache, if the strategy wants that.
    ///
    /// # Errors
    /// What a miss says of the key, for the second step.
    pub(crate) async fn look_up(
        &self,
        refresh: &impl Refresh<B, O>,
    ) -> Result<O, Miss<EntityOf<O>>> {
        match self {
            Self::Read(read) => read.look_up(refresh).await,
            Self::Load(..) => Err(Missed::Unreachable.into()),
            Self::Refuse(reader, carry, error, _) => {
                reader.failed(Operation::Declare, error);
                match carry {
                    Some(carry) => Ok(carry(error.clone())),
                    None => Err(Missed::Unreachable.into()),
                }
            }
        }
    }

    /// Asks the repository, if the strategy wants that: by `body`, or as one of those who wait for another's. `Err` is what a failure of the
    /// cache made of it.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an `async fn` every caller would keep the arguments twice"
    )]
    pub(crate) fn ask<F: Future<Output = O>>(
        &self,
        miss: Miss<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = Result<O, Ended<O>>> {
        async move {
            match self {
                Self::Read(read) => read.ask(miss, refresh, body).await,
                Self::Refuse(.., Some(miss)) => Ok(miss()),
                Self::Load(reader, carry, limit) => {
                    Ok(Box::pin(reader.load_uncached(*carry, *limit, body)).await)
                }
                Self::Refuse(reader, carry, ..) => {
                    Ok(Box::pin(reader.load_uncached(*carry, None, body)).await)
                }
            }
        }
    }
}

/// Turns a look-up into the caller's output and counts it. `Err` is a miss, not counted here: an entry that says
/// "absent" is one to an output that cannot.
fn answer<B, O>(
    reader: &Reader<'_, B, EntityOf<O>>,
    lookup: Typed<EntityOf<O>>,
) -> Result<O, Miss<EntityOf<O>>>
where
    B: CacheBackend,
    O: CachedOutput,
{
    match lookup {
        Typed::Hit(entity, age) => {
            reader.hit();
            let seen = Seen::stored(Source::Hit, age);
            Ok(O::from_payload(O::Payload::from_found(entity, seen)))
        }
        Typed::Absent(age) => {
            let seen = Seen::stored(Source::Absent, age);
            let Some(absent) = O::Payload::absent(seen) else {
                return Err(Missed::Unstamped.into());
            };
            reader.absent_hit();
            Ok(O::from_payload(absent))
        }
        Typed::Miss(miss) => Err(miss),
    }
}
