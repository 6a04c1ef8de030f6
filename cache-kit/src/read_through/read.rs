//! One call: look up, join a flight or lead one, open, load, fill, land.

use super::{Carry, Missed, Pass, Reader, Typed, answer, landing_of, to_fill};
use crate::backend::{CacheBackend, Entry, Intent, Lookup, Opened, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::{Error, FailurePolicy};
use crate::flight::{Arrival, Frame, Joined, Landing, Leader, Tag};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, InvalidationSource, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload};
use crate::strategy::CacheStrategy;
use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Lead = Leader<CacheKey, Tag, Landing>;

/// How a flight begins: with a load, or with what somebody else has brought meanwhile.
enum TakeOff<P, O> {
    Load(Option<P>),
    Arrived(Landing, O),
}

/// How a failure of the cache ended a call.
pub(crate) struct Ended<O> {
    pub(crate) output: O,
    pub(crate) error: Error,
}

/// How a call ended, and what everyone else on the flight is told; `None` if they cannot be told.
type Told<O> = (Result<O, Ended<O>>, Option<Landing>);

impl<O> Ended<O> {
    fn told(self) -> Told<O> {
        let landing = Landing::Broken(self.error.clone());
        (Err(self), Some(landing))
    }
}

/// One call that goes through the cache.
pub(crate) struct Read<'c, B: CacheBackend, O: CachedOutput> {
    reader: Reader<'c, B, EntityOf<O>>,
    key: CacheKey,
    call: Call<O>,
    /// How a failure of the cache ends the call, where it is to.
    strict: Carry<O>,
}

impl<'c, B: CacheBackend, O: CachedOutput> Read<'c, B, O> {
    pub(super) fn new(reader: Reader<'c, B, EntityOf<O>>, key: CacheKey, call: Call<O>) -> Self {
        let strict = match reader.cache.inner().settings.failure_policy {
            FailurePolicy::Degrade => None,
            FailurePolicy::Propagate => call.carry,
        };
        Self {
            reader,
            key,
            call,
            strict,
        }
    }

    /// The first half: asks the cache. A miss is counted here, for whatever comes of it.
    pub(super) async fn look_up(&self) -> Result<O, Missed> {
        if self.call.strategy == CacheStrategy::Invalidate {
            return Err(Missed::Unstamped);
        }
        let looked_up = match self.reader.read(&self.key).await {
            Ok(lookup) => answer(&self.reader, Typed::within(self.call.age_limit, lookup)),
            Err(error) => match self.strict {
                Some(carry) => return Ok(carry(error)),
                None => Err(Missed::after(&error)),
            },
        };
        if looked_up.is_err() {
            self.reader.record(|prefix| CacheEvent::Miss { prefix });
        }
        looked_up
    }

    /// The second half: asks the repository, or those who do. `Err` is what a failure of the cache made of it.
    pub(super) async fn ask<F: Future<Output = O>>(
        &self,
        missed: Missed,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        match (self.call.strategy, self.call.miss) {
            (CacheStrategy::Invalidate, _) => Box::pin(self.replace(body)).await,
            (CacheStrategy::Fresh, Some(miss)) => Ok(miss()),
            _ => self.fly(missed, body).await,
        }
    }

    /// `Invalidate`: whatever is stored or loading is dropped first.
    async fn replace<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> Result<O, Ended<O>> {
        let keys = std::slice::from_ref(&self.key);
        let source = InvalidationSource::Strategy;
        let prefix = EntityOf::<O>::cache_prefix();
        let dropped = self.reader.cache.drop_entries(prefix, keys, source).await;
        self.tolerate(dropped)?;
        match self.open().await? {
            // What another caller stored since is newer than the invalidation, but this caller asked for a load.
            Some(opened) => {
                self.share(Some(opened.stamp), Pass::Opened(opened.permit), body)
                    .await
            }
            None => self.share(None, Pass::Denied, body).await,
        }
    }

    /// Finds out which flight a miss belongs to.
    async fn fly<F: Future<Output = O>>(
        &self,
        missed: Missed,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        match missed {
            Missed::At(stamp) => self.share(Some(stamp), Pass::Unopened, body).await,
            Missed::Unreachable => self.share(None, Pass::Denied, body).await,
            Missed::Unstamped => match Box::pin(self.open()).await? {
                Some(opened) => match self.landing_of(opened.found) {
                    Some((_, output)) => Ok(output),
                    None => {
                        self.share(Some(opened.stamp), Pass::Opened(opened.permit), body)
                            .await
                    }
                },
                None => self.share(None, Pass::Denied, body).await,
            },
        }
    }

    async fn open(&self) -> Result<Option<Opened<B::Permit>>, Ended<O>> {
        self.tolerate(self.reader.open(&self.key, Intent::Load).await)
    }

    /// Goes on without what the cache could not give, or ends the call.
    fn tolerate<A>(&self, answer: Result<A, Error>) -> Result<Option<A>, Ended<O>> {
        match (answer, self.strict) {
            (Ok(answer), _) => Ok(Some(answer)),
            (Err(error), Some(carry)) => Err(Ended {
                output: carry(error.clone()),
                error,
            }),
            (Err(_), None) => Ok(None),
        }
    }

    /// Loads, once for all who come with the same stamp. Loading is boxed: of ten thousand callers one needs the room.
    async fn share<F: Future<Output = O>>(
        &self,
        stamp: Option<Stamp>,
        pass: Pass<B::Permit>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        if Frame::is_loading(self.reader.cache.id(), &self.key) {
            return Box::pin(self.load_alone(body)).await;
        }
        let mut pass = pass;
        loop {
            let tag = Tag {
                stamp,
                type_id: TypeId::of::<EntityOf<O>>(),
            };
            let flights = &self.reader.cache.inner().flights;
            let follower = match flights.join(&self.key, tag) {
                Joined::Lead(leader) => return Box::pin(self.lead(leader, pass, body)).await,
                Joined::Follow(follower) => follower,
            };
            // A permit from before the wait may be void; a new one shows what has come since.
            pass = pass.renewed();
            match self.reader.wait(follower).await {
                Some(Arrival::Lead(leader)) => {
                    return Box::pin(self.lead(leader, pass, body)).await;
                }
                // What landed may be of no use to this caller: then it joins those who are left.
                Some(Arrival::Landed(landing)) => {
                    if let Some(output) = self.accept(&landing) {
                        return match landing {
                            Landing::Broken(error) => Err(Ended { output, error }),
                            _ => Ok(output),
                        };
                    }
                }
                None => return Box::pin(self.load_alone(body)).await,
            }
        }
    }

    /// Loads for everyone on the flight. If this future is dropped, or the body panics, `leader` hands over.
    async fn lead<F: Future<Output = O>>(
        &self,
        leader: Lead,
        pass: Pass<B::Permit>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        let (output, landing) = match self.take_off(pass).await {
            Ok(TakeOff::Load(permit)) => self.load(permit, body).await,
            Ok(TakeOff::Arrived(landing, output)) => (Ok(output), Some(landing)),
            Err(ended) => ended.told(),
        };
        match landing {
            Some(landing) => leader.land(landing),
            None => leader.scatter(),
        }
        output
    }

    /// Asks for the permit, unless it is there; another flight may have landed between the look-up and this one's beginning.
    async fn take_off(&self, pass: Pass<B::Permit>) -> Result<TakeOff<B::Permit, O>, Ended<O>> {
        let opened = match pass {
            Pass::Opened(permit) => return Ok(TakeOff::Load(Some(permit))),
            Pass::Denied => return Ok(TakeOff::Load(None)),
            Pass::Unopened => self.open().await?,
        };
        let Some(opened) = opened else {
            return Ok(TakeOff::Load(None));
        };
        Ok(match self.landing_of(opened.found) {
            Some((landing, output)) => TakeOff::Arrived(landing, output),
            None => TakeOff::Load(Some(opened.permit)),
        })
    }

    /// Loads outside of any flight: for the same key within its own load, or after having waited for too long.
    async fn load_alone<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> Result<O, Ended<O>> {
        let permit = self.open().await?.map(|opened| opened.permit);
        self.load(permit, body).await.0
    }

    /// Loads and stores, and says what everyone else on the flight is told; `None` if they cannot be told.
    async fn load<F: Future<Output = O>>(
        &self,
        permit: Option<B::Permit>,
        body: Pin<&mut F>,
    ) -> Told<O> {
        let keys = vec![self.key.clone()];
        let (output, validity) = self.reader.load_valid(keys, body).await;
        let Some(payload) = output.payload() else {
            let failure = (self.call.sharing.share)(&output);
            return (Ok(output), failure.map(Landing::Failed));
        };
        let (entry, landing) = match (payload.entity(), validity) {
            (None, _) => (Some(Entry::Absent), Landing::Absent),
            (Some(entity), Err(error)) => (None, Landing::Invalid(entity, error)),
            (Some(entity), Ok(())) => {
                let is_stored = self.is_asked_for(&entity);
                let entry = is_stored.then(|| Entry::Value(entity.clone()));
                (entry, Landing::Value(entity))
            }
        };
        let filled = self.fill(permit, entry).await.unwrap_or(Ok(()));
        if let Err(ended) = self.tolerate(filled) {
            return ended.told();
        }
        let told = match (&landing, self.call.carry) {
            (Landing::Invalid(_, error), Some(carry)) => carry(error.clone()),
            _ => output,
        };
        (Ok(told), Some(landing))
    }

    /// Stores what was loaded; `None` if it is not to be stored.
    async fn fill(
        &self,
        permit: Option<B::Permit>,
        entry: Option<Entry>,
    ) -> Option<Result<(), Error>> {
        let (permit, entry) = (permit?, entry?);
        let lifetime = self.call.lifetime_in::<B, EntityOf<O>>(self.reader.cache)?;
        let fill = to_fill(permit, entry, &lifetime);
        self.reader.fill(vec![fill]).await.pop()
    }

    /// Says whether an entity is the one of this key. Another one is not stored: an invalidation of it would not find it here.
    fn is_asked_for(&self, entity: &EntityOf<O>) -> bool {
        let cache = self.reader.cache;
        let own = cache.writer_for::<EntityOf<O>>(&entity.cache_key());
        let asked = self.key.borrowed().as_bytes();
        let is_asked_for = own.with_key(|own| own.as_bytes() == asked).unwrap_or(false);
        if !is_asked_for {
            let fault = "an entity was loaded under a key that is not its own, and is not stored";
            self.reader
                .failed(Operation::Fill, &Error::ConfigError(fault.into()));
        }
        is_asked_for
    }

    /// What `open` found, as the flight's landing and this caller's output.
    fn landing_of(&self, found: Lookup) -> Option<(Landing, O)> {
        let landing = landing_of::<EntityOf<O>>(self.call.age_limit, found)?;
        self.output_of(&landing).map(|output| (landing, output))
    }

    /// Takes what another caller's flight brought. How old that is which was only found is not known: who has a limit looks for itself.
    fn accept(&self, landing: &Landing) -> Option<O> {
        match (landing, self.call.age_limit) {
            (Landing::Found(_), Some(_)) => None,
            _ => self.output_of(landing),
        }
    }

    /// Takes what somebody else brought.
    fn output_of(&self, landing: &Landing) -> Option<O> {
        let output = match landing {
            Landing::Value(value) | Landing::Found(Some(value)) => {
                let entity = Arc::clone(value).downcast().ok()?;
                O::from_payload(O::Payload::from_hit(entity))
            }
            Landing::Invalid(value, error) => {
                if let Some(carry) = self.call.carry {
                    carry(error.clone())
                } else {
                    let entity = Arc::clone(value).downcast().ok()?;
                    O::from_payload(O::Payload::from_hit(entity))
                }
            }
            Landing::Absent | Landing::Found(None) => O::from_payload(O::Payload::absent()?),
            Landing::Failed(failure) => (self.call.sharing.restore)(failure)?,
            Landing::Broken(error) => self.strict?(error.clone()),
        };
        self.reader
            .record(|prefix| CacheEvent::Coalesced { prefix });
        Some(output)
    }
}
