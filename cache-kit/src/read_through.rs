//! The read-through: look up, join a flight or lead one, open, load, fill, land.

mod lookup;
mod read;
mod reader;

pub(crate) use lookup::{Missed, Pass, Typed};
pub(crate) use reader::{Reader, Waiting};

use crate::backend::CacheBackend;
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::key::KeyWriter;
use crate::observe::CacheEvent;
use crate::outcome::{CachedOutput, EntityOf, Payload};
use crate::service::CacheService;
use crate::shape::Shape;
use crate::strategy::CacheStrategy;
use read::Read;
use std::future::Future;
use std::pin::Pin;

/// Answers a call at once if the entry is in reach. Nothing is counted but a hit: a miss goes on to [`read_through`].
pub(crate) fn peek<B, O>(cache: &CacheService<B>, key: &KeyWriter, call: &Call<O>) -> Option<O>
where
    B: CacheBackend,
    O: CachedOutput,
{
    if !matches!(call.strategy, CacheStrategy::Refresh | CacheStrategy::Fresh) {
        return None;
    }
    let shape = Shape::of::<EntityOf<O>>();
    let lookup = key.with_key(|key| cache.inner().backend.peek(key, shape))??;
    answer(cache, Typed::from(lookup)).ok()
}

/// Runs a call to its end; `body` is polled only if the repository has to be asked.
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
    body: Pin<&mut F>,
) -> Pin<Box<impl Future<Output = O>>>
where
    B: CacheBackend,
    O: CachedOutput,
    F: Future<Output = O>,
{
    // Here, so that the future need not hold the writer.
    let plan = Plan::of(cache, &key, call);
    Box::pin(async move {
        match &plan {
            Plan::Read(read) => read.run(body).await,
            Plan::Load(reader, carry) => Box::pin(reader.load_uncached(*carry, body)).await,
            Plan::Refuse(reader, carry, error) => {
                Box::pin(reader.refuse(*carry, error.clone(), body)).await
            }
        }
    })
}

/// How an output says what the cache found wrong, if it can.
type Carry<O> = Option<fn(Error) -> O>;

/// What has to be done for a call that was not answered at once.
enum Plan<'c, B: CacheBackend, O: CachedOutput> {
    Read(Read<'c, B, O>),
    Load(Reader<'c, B, EntityOf<O>>, Carry<O>),
    Refuse(Reader<'c, B, EntityOf<O>>, Carry<O>, Error),
}

impl<'c, B: CacheBackend, O: CachedOutput> Plan<'c, B, O> {
    fn of(cache: &'c CacheService<B>, key: &KeyWriter, call: Call<O>) -> Self {
        let reader = Reader::new(cache);
        if call.strategy == CacheStrategy::Bypass {
            return Self::Load(reader, call.carry);
        }
        match reader.admit(key, call.lifetime) {
            Ok((key, lifetime)) => Self::Read(Read {
                reader,
                key,
                lifetime,
                call,
            }),
            Err(error) => Self::Refuse(reader, call.carry, error),
        }
    }
}

/// Turns a look-up into the caller's output and counts it. `Err` is a miss, not counted here: an entry that says
/// "absent" is one to an output that cannot.
fn answer<B, O>(cache: &CacheService<B>, lookup: Typed<EntityOf<O>>) -> Result<O, Missed>
where
    B: CacheBackend,
    O: CachedOutput,
{
    let prefix = prefix_of::<O>();
    match lookup {
        Typed::Hit(entity) => {
            cache.record(&CacheEvent::Hit { prefix });
            Ok(O::from_payload(O::Payload::from_hit(entity)))
        }
        Typed::Absent => {
            let absent = O::Payload::absent().ok_or(Missed::Unstamped)?;
            cache.record(&CacheEvent::AbsentHit { prefix });
            Ok(O::from_payload(absent))
        }
        Typed::Miss(missed) => Err(missed),
    }
}

fn prefix_of<O: CachedOutput>() -> &'static str {
    EntityOf::<O>::cache_prefix()
}

/// Whatever a `validate` returned, it says that the entity is not valid.
pub(crate) fn into_validation_error(error: Error) -> Error {
    match error {
        Error::ValidationError(_) => error,
        other => Error::ValidationError(other.into()),
    }
}
