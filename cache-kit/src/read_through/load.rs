//! The rest of a call: load, fill, and land for everyone on the flight.

use super::late::LateFill;
use super::read::{Ended, Read};
use super::{Filling, Foretold, Stale, fill_of, landing_of};
use crate::backend::{CacheBackend, Entry, Lookup};
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::flight::{Failure, Landing, Lead};
use crate::observe::{CacheEvent, Operation};
use crate::outcome::{CachedOutput, EntityOf, Payload, Seen, Source};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// How a call ended.
pub(super) struct Told<B: CacheBackend, O: CachedOutput> {
    pub(super) output: Result<O, Ended<O>>,
    /// What everyone else on the flight is told; `None` if they cannot be told.
    pub(super) landing: Option<Landing>,
    /// What is still to be stored.
    pub(super) late: Option<LateFill<B, EntityOf<O>>>,
}

impl<B: CacheBackend, O: CachedOutput> Told<B, O> {
    pub(super) fn now(output: Result<O, Ended<O>>, landing: Option<Landing>) -> Self {
        Self {
            output,
            landing,
            late: None,
        }
    }

    /// Tells everyone else on the flight, and gives the caller its own.
    pub(super) fn land(self, leader: Lead) -> Result<O, Ended<O>> {
        match (self.landing, self.late) {
            // Until it is stored, whoever comes finds the flight.
            (Some(landing), Some(late)) => late.fill(leader.share(landing)),
            (Some(landing), None) => leader.land(landing),
            (None, _) => leader.scatter(),
        }
        self.output
    }
}

/// Acts if it is dropped by a panic.
struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0();
        }
    }
}

impl<O: CachedOutput> Ended<O> {
    pub(super) fn told<B: CacheBackend>(self) -> Told<B, O> {
        let landing = Landing::Broken(self.error.clone());
        Told::now(Err(self), Some(landing))
    }
}

impl<B: CacheBackend, O: CachedOutput> Read<'_, B, O> {
    /// Loads outside of any flight: for the same key within its own load, or after having waited for too long.
    pub(super) async fn load_alone<F: Future<Output = O>>(
        &self,
        spare: Option<&Stale<EntityOf<O>>>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        let permit = self.open().await?.map(|opened| opened.permit);
        let Told { output, late, .. } = self.load(permit, spare, body).await;
        if let Some(late) = late {
            late.fill(());
        }
        output
    }

    /// Loads and stores, and says what everyone else on the flight is told; `None` if they cannot be told. Where the load fails the caller has the spare.
    pub(super) async fn load<F: Future<Output = O>>(
        &self,
        permit: Option<B::Permit>,
        spare: Option<&Stale<EntityOf<O>>>,
        body: Pin<&mut F>,
    ) -> Told<B, O> {
        let (permit, foretold) = match self.foretell(permit).await {
            Ok(foretold) => foretold,
            Err(ended) => return ended.told(),
        };
        let keys = vec![self.key.clone()];
        let timeouts = self.reader.cache.timeouts(self.call.timeouts);
        // Who could not be told waits.
        let can_be_told = spare.is_some() || self.call.carry.is_some();
        let limit = timeouts.hard.filter(|_| can_be_told);
        // A panic is a failure, too.
        let on_panic =
            spare.map(|_| OnPanic(|| self.reader.throttle(&self.key, self.call.lifetime)));
        let loaded = self.reader.load_valid(keys, limit, body).await;
        drop(on_panic);
        let Some((output, validity)) = loaded else {
            return self.time_out(spare);
        };
        if let Some(spare) = spare {
            if let Err(landing) = self.succeeded(&output, &validity) {
                let prefix = EntityOf::<O>::cache_prefix();
                let error = (self.call.say)(&output);
                tracing::warn!(prefix, error, "a load failed, and what is stale serves");
                self.reader.throttle(&self.key, self.call.lifetime);
                return Told::now(Ok(self.stand_in(spare)), landing);
            }
            self.reader.cache.inner().throttle.release(&self.key);
        }
        let Some(payload) = output.payload() else {
            let failure = (self.call.sharing.share)(&output);
            return Told::now(Ok(output), failure.map(Landing::Failed));
        };
        if payload.is_elsewhere() {
            return Told::now(Ok(output), None);
        }
        let terms = payload.terms();
        let entity = payload.entity();
        let tags = self.reader.tags_of(entity.as_deref(), &terms);
        let (entry, landing) = match (entity, validity) {
            (None, _) => (Some(Entry::Absent), Landing::Absent),
            (Some(entity), Err(error)) => (None, Landing::Invalid(entity, error)),
            (Some(entity), Ok(())) => {
                let is_stored = self.is_asked_for(&entity);
                let entry = is_stored.then(|| Entry::Value(entity.clone()));
                (entry, Landing::Value(entity))
            }
        };
        let is_unwanted = self.call.unless.is_some_and(|unless| unless(&output));
        // What is stored is older than what was loaded and is not to be.
        let entry = entry.map(|entry| if is_unwanted { Entry::Gone } else { entry });
        let fill = permit.zip(entry).and_then(|(permit, entry)| {
            let decided = self.call.lifetime_in::<B, EntityOf<O>>(self.reader.cache);
            fill_of(permit, entry, decided, &terms, spare.is_some())
        });
        let fill = fill.map(|fill| Filling::new(fill, &foretold, tags));
        let fill = fill.into_iter().collect();
        let late = match self.reader.fill_in_time(fill, self.strict.is_some()).await {
            Ok(late) => late,
            Err(error) => match self.tolerate(Err(error)) {
                Err(ended) => return ended.told(),
                Ok(None::<()> | Some(())) => None,
            },
        };
        let told = match (&landing, self.call.carry) {
            (Landing::Invalid(_, error), Some(carry)) => carry(error.clone()),
            _ => output,
        };
        Told {
            output: Ok(told),
            landing: Some(landing),
            late,
        }
    }

    /// Ends a load that takes too long.
    fn time_out(&self, spare: Option<&Stale<EntityOf<O>>>) -> Told<B, O> {
        self.reader.failed(Operation::Load, &Error::Timeout);
        let failure = Failure {
            error: Some(Arc::new(Error::Timeout)),
            cause: Error::Timeout.to_string().into(),
        };
        let output = match (spare, self.call.carry) {
            (Some(spare), _) => {
                self.reader.throttle(&self.key, self.call.lifetime);
                self.stand_in(spare)
            }
            (None, Some(carry)) => carry(Error::Timeout),
            (None, None) => unreachable!("there was no limit"),
        };
        Told::now(Ok(output), Some(Landing::Failed(failure)))
    }

    /// Says whether a load has brought what was asked for; `Err` is what everyone else is told of one that has not.
    fn succeeded(&self, output: &O, validity: &Result<(), Error>) -> Result<(), Option<Landing>> {
        match (output.payload(), validity) {
            (Some(_), Ok(())) => Ok(()),
            (None, _) => Err((self.call.sharing.share)(output).map(Landing::Failed)),
            (Some(payload), Err(error)) => {
                let entity = payload.entity();
                Err(entity.map(|entity| Landing::Invalid(entity, error.clone())))
            }
        }
    }

    /// Asks about the tags of what will be loaded. Without an answer nothing is stored.
    async fn foretell(
        &self,
        permit: Option<B::Permit>,
    ) -> Result<(Option<B::Permit>, Foretold), Ended<O>> {
        if permit.is_none() {
            return Ok((None, Foretold::default()));
        }
        let says_more = O::Payload::TAGS;
        let kept = || self.call.kept_in::<B, EntityOf<O>>(self.reader.cache);
        let foretelling = self.reader.foretell(&self.call.tags, says_more, kept);
        Ok(match self.tolerate(foretelling.await)? {
            Some(foretold) => (permit, foretold),
            None => (None, Foretold::default()),
        })
    }

    /// Says whether an entity is the one of this key. Another one is not stored: an invalidation of it would not find it here.
    fn is_asked_for(&self, entity: &EntityOf<O>) -> bool {
        if !EntityOf::<O>::KEYED {
            return true;
        }
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
    pub(super) fn landing_of(&self, found: Lookup) -> Option<(Landing, O)> {
        let landing = landing_of::<EntityOf<O>>(self.call.age_limit, found)?;
        self.output_of(&landing).map(|output| (landing, output))
    }

    /// Returns whether an invalidation would have changed the stamp under which a flight brought
    /// this. If not, only a caller that came before the flight began can take it.
    pub(super) fn is_guarded(&self, landing: &Landing) -> bool {
        let is_absent = matches!(landing, Landing::Absent | Landing::Found(None, _));
        self.call.is_absence_guarded || !is_absent
    }

    /// Takes what another caller's flight brought. How old that is which was only found is not known: who has a limit looks for itself.
    pub(super) fn accept(&self, landing: &Landing) -> Option<O> {
        match (landing, self.call.age_limit) {
            (Landing::Found(..), Some(_)) => None,
            _ => self.output_of(landing),
        }
    }

    /// Takes what somebody else brought.
    fn output_of(&self, landing: &Landing) -> Option<O> {
        let output = match landing {
            Landing::Value(value) => {
                let entity = Arc::clone(value).downcast().ok()?;
                O::from_payload(O::Payload::from_found(entity, Seen::SHARED))
            }
            Landing::Found(Some(value), age) => {
                let entity = Arc::clone(value).downcast().ok()?;
                let seen = Seen::stored(Source::Hit, *age);
                O::from_payload(O::Payload::from_found(entity, seen))
            }
            Landing::Invalid(value, error) => {
                if let Some(carry) = self.call.carry {
                    carry(error.clone())
                } else {
                    let entity = Arc::clone(value).downcast().ok()?;
                    O::from_payload(O::Payload::from_found(entity, Seen::SHARED))
                }
            }
            Landing::Absent => O::from_payload(O::Payload::absent(Seen::SHARED)?),
            Landing::Found(None, age) => {
                let seen = Seen::stored(Source::Absent, *age);
                O::from_payload(O::Payload::absent(seen)?)
            }
            Landing::Failed(failure) => match (self.call.sharing.restore)(failure) {
                Some(failed) => failed,
                None => self.call.carry?(failure.own()?.clone()),
            },
            Landing::Broken(error) => self.strict?(error.clone()),
        };
        self.reader
            .record(|prefix| CacheEvent::Coalesced { prefix });
        Some(output)
    }
}
