//! One call: look up, join a flight or lead one, open, load, fill, land.

use super::{Missed, Pass, Reader, answer, prefix_of};
use crate::backend::{CacheBackend, Entry, Intent, Lookup, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::flight::{Arrival, Frame, Joined, Landing, Leader, Tag};
use crate::key::CacheKey;
use crate::observe::{CacheEvent, InvalidationSource, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload};
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Lead = Leader<CacheKey, Tag, Landing>;

/// One call of `read_through`.
pub(super) struct Read<'c, B: CacheBackend, O: CachedOutput> {
    pub(super) reader: Reader<'c, B, EntityOf<O>>,
    pub(super) key: CacheKey,
    pub(super) lifetime: Lifetime,
    pub(super) call: Call<O>,
}

impl<B: CacheBackend, O: CachedOutput> Read<'_, B, O> {
    pub(super) async fn run<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> O {
        match self.call.strategy {
            CacheStrategy::Invalidate => Box::pin(self.replace(body)).await,
            strategy => match self.look_up().await {
                Ok(output) => output,
                Err(missed) => {
                    self.reader.cache.record(&CacheEvent::Miss {
                        prefix: prefix_of::<O>(),
                    });
                    match (strategy, self.call.miss) {
                        (CacheStrategy::Fresh, Some(miss)) => miss(),
                        _ => self.fly(missed, body).await,
                    }
                }
            },
        }
    }

    /// `Invalidate`: whatever is stored or loading is dropped first.
    async fn replace<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> O {
        let keys = std::slice::from_ref(&self.key);
        // A failure is counted and logged there, and the load must go on.
        let _ = self
            .reader
            .cache
            .drop_entries(prefix_of::<O>(), keys, InvalidationSource::Strategy)
            .await;
        match self.reader.open(&self.key, Intent::Load).await {
            // What another caller stored since is newer than the invalidation, but this caller asked for a load.
            Some(opened) => {
                self.share(Some(opened.stamp), Pass::Opened(opened.permit), body)
                    .await
            }
            None => self.share(None, Pass::Denied, body).await,
        }
    }

    /// Finds out which flight a miss belongs to.
    async fn fly<F: Future<Output = O>>(&self, missed: Missed, body: Pin<&mut F>) -> O {
        match missed {
            Missed::At(stamp) => self.share(Some(stamp), Pass::Unopened, body).await,
            Missed::Unreachable => self.share(None, Pass::Denied, body).await,
            Missed::Unstamped => match Box::pin(self.reader.open(&self.key, Intent::Load)).await {
                Some(opened) => match self.landing_of(opened.found) {
                    Some((_, output)) => output,
                    None => {
                        self.share(Some(opened.stamp), Pass::Opened(opened.permit), body)
                            .await
                    }
                },
                None => self.share(None, Pass::Denied, body).await,
            },
        }
    }

    /// Loads, once for all who come with the same stamp. Loading is boxed: of ten thousand callers one needs the room.
    async fn share<F: Future<Output = O>>(
        &self,
        stamp: Option<Stamp>,
        pass: Pass<B::Permit>,
        body: Pin<&mut F>,
    ) -> O {
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
                    if let Some(output) = self.output_of(&landing) {
                        return output;
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
    ) -> O {
        let permit = match pass {
            Pass::Opened(permit) => Some(permit),
            Pass::Denied => None,
            Pass::Unopened => match self.reader.open(&self.key, Intent::Load).await {
                // Another flight landed between the look-up and this one's beginning.
                Some(opened) => match self.landing_of(opened.found) {
                    Some((landing, output)) => {
                        leader.land(landing);
                        return output;
                    }
                    None => Some(opened.permit),
                },
                None => None,
            },
        };
        let (output, landing) = self.load(permit, body).await;
        match landing {
            Some(landing) => leader.land(landing),
            None => leader.scatter(),
        }
        output
    }

    /// Loads outside of any flight: for the same key within its own load, or after having waited for too long.
    async fn load_alone<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> O {
        let permit = self
            .reader
            .open(&self.key, Intent::Load)
            .await
            .map(|opened| opened.permit);
        self.load(permit, body).await.0
    }

    /// Loads and stores, and says what everyone else on the flight is told; `None` if they cannot be told.
    async fn load<F: Future<Output = O>>(
        &self,
        permit: Option<B::Permit>,
        body: Pin<&mut F>,
    ) -> (O, Option<Landing>) {
        let keys = vec![self.key.clone()];
        let (output, validity) = self.reader.load_valid(keys, body).await;
        let Some(payload) = output.payload() else {
            let failure = (self.call.sharing.share)(&output);
            return (output, failure.map(Landing::Failed));
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
        if let Some(entry) = entry {
            self.reader
                .fill(vec![(permit, entry)], &self.lifetime)
                .await;
        }
        let told = match (&landing, self.call.carry) {
            (Landing::Invalid(_, error), Some(carry)) => carry(error.clone()),
            _ => output,
        };
        (told, Some(landing))
    }

    /// Says whether an entity is the one of this key. Another one is not stored: an invalidation of it would not find it here.
    fn is_asked_for(&self, entity: &EntityOf<O>) -> bool {
        let cache = self.reader.cache;
        let own = cache.writer_for::<EntityOf<O>>(&entity.cache_key());
        let asked = self.key.borrowed().as_bytes();
        let is_asked_for = own.with_key(|own| own.as_bytes() == asked).unwrap_or(false);
        if !is_asked_for {
            let fault = "an entity was loaded under a key that is not its own, and is not stored";
            cache.fault(
                prefix_of::<O>(),
                Operation::Fill,
                &Error::ConfigError(fault.into()),
            );
        }
        is_asked_for
    }

    async fn look_up(&self) -> Result<O, Missed> {
        answer(self.reader.cache, self.reader.read(&self.key).await)
    }

    /// What `open` found, as the flight's landing and this caller's output.
    fn landing_of(&self, found: Lookup) -> Option<(Landing, O)> {
        let landing = match found {
            Lookup::Hit(value) => Landing::Value(value),
            Lookup::Absent => Landing::Absent,
            Lookup::Miss(_) => return None,
        };
        self.output_of(&landing).map(|output| (landing, output))
    }

    /// Takes what another caller's load brought.
    fn output_of(&self, landing: &Landing) -> Option<O> {
        let output = match landing {
            Landing::Value(value) => {
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
            Landing::Absent => O::from_payload(O::Payload::absent()?),
            Landing::Failed(failure) => (self.call.sharing.restore)(failure)?,
        };
        self.reader.cache.record(&CacheEvent::Coalesced {
            prefix: prefix_of::<O>(),
        });
        Some(output)
    }
}
