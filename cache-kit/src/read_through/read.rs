//! One call: look up, join a flight or lead one, open.

use super::load::Told;
use super::stale::{Errand, Wait};
use super::{Carry, Miss, Missed, Pass, Reader, Refresh, Stale, Turn, Typed};
use crate::backend::{CacheBackend, Intent, Lease, Opened, Stamp};
use crate::call::Call;
use crate::entity::CacheEntity;
use crate::error::Error;
use crate::flight::{Arrival, Frame, Joined, Landing, Lead, Tag};
use crate::key::CacheKey;
use crate::observe::InvalidationSource;
use crate::outcome::{CachedOutput, EntityOf};
use crate::strategy::CacheStrategy;
use crate::timer;
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::Instant;

/// How a flight begins: with a load, or with what somebody else has brought meanwhile, or is about to.
enum TakeOff<'s, P, O: CachedOutput> {
    Load(Option<P>),
    Arrived(Landing, O),
    Elsewhere(&'s Stale<EntityOf<O>>),
}

/// A permit, if there is one, and whose turn it is.
type OpenPass<B> = Option<(<B as CacheBackend>::Permit, Lease)>;

/// How a failure of the cache ended a call.
pub(crate) struct Ended<O> {
    pub(crate) output: O,
    pub(crate) error: Error,
}

/// One call that goes through the cache.
pub(crate) struct Read<'c, B: CacheBackend, O: CachedOutput> {
    pub(super) reader: Reader<'c, B, EntityOf<O>>,
    pub(super) key: CacheKey,
    pub(super) call: Call<O>,
    /// How a failure of the cache ends the call, where it is to.
    pub(super) strict: Carry<O>,
    /// Whether nobody is given what it returns: a task runs it.
    pub(super) is_detached: bool,
}

impl<'c, B: CacheBackend, O: CachedOutput> Read<'c, B, O> {
    /// How often a caller who waits for a limited time looks for another who loads.
    const HAND_OVERS: usize = 8;

    pub(super) fn new(reader: Reader<'c, B, EntityOf<O>>, key: CacheKey, call: Call<O>) -> Self {
        Self {
            strict: call.strict_in(reader.cache),
            reader,
            key,
            call,
            is_detached: false,
        }
    }

    /// The same for nobody in particular.
    pub(super) fn detached(
        reader: Reader<'c, B, EntityOf<O>>,
        key: CacheKey,
        call: Call<O>,
    ) -> Self {
        Self {
            is_detached: true,
            ..Self::new(reader, key, call)
        }
    }

    /// The first half: asks the cache. A miss is counted here, for whatever comes of it.
    pub(super) async fn look_up(
        &self,
        refresh: &impl Refresh<B, O>,
    ) -> Result<O, Miss<EntityOf<O>>> {
        if self.call.strategy == CacheStrategy::Invalidate {
            return Err(Missed::Unstamped.into());
        }
        let looked_up = match self.reader.read(&self.key).await {
            Ok(lookup) => self.take(Typed::within(self.call.age_limit, lookup), refresh),
            Err(error) => match self.strict {
                Some(carry) => return Ok(carry(error)),
                None => Err(Missed::after(&error).into()),
            },
        };
        match looked_up {
            // It is no miss yet.
            Err(miss) if miss.early.is_some() => Err(miss),
            looked_up => looked_up.or_else(|miss| self.revalidate(miss, refresh)),
        }
    }

    /// The second half: asks the repository, or those who do. `Err` is what a failure of the cache made of it.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an `async fn` every caller would keep the arguments twice"
    )]
    pub(super) fn ask<F: Future<Output = O>>(
        &self,
        miss: Miss<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = Result<O, Ended<O>>> {
        async move {
            match (self.call.strategy, self.call.fresh_miss()) {
                (CacheStrategy::Invalidate, _) => Box::pin(self.replace(body)).await,
                (_, Some(miss)) => Ok(miss()),
                _ => self.fly(miss, refresh, body).await,
            }
        }
    }

    /// `Invalidate`: whatever is stored or loading is dropped first.
    async fn replace<F: Future<Output = O>>(&self, body: Pin<&mut F>) -> Result<O, Ended<O>> {
        let keys = std::slice::from_ref(&self.key);
        let source = InvalidationSource::Strategy;
        let prefix = EntityOf::<O>::cache_prefix();
        let dropped = self.reader.cache.drop_entries(prefix, keys, source).await;
        self.tolerate(dropped)?;
        // What another caller stored since is newer than the invalidation, but this caller asked for a load.
        let (stamp, pass) = match self.open().await? {
            Some(opened) => (Some(opened.stamp), Pass::Opened(opened.permit, Lease::Held)),
            None => (None, Pass::Denied),
        };
        self.share(stamp, pass, None, body).await
    }

    /// Finds out which flight a miss belongs to.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an `async fn` every caller would keep the arguments twice"
    )]
    fn fly<F: Future<Output = O>>(
        &self,
        mut miss: Miss<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = Result<O, Ended<O>>> {
        async move {
            if let Some(found) = miss.early.take() {
                return Ok(Box::pin(self.ask_ahead(*found, body)).await);
            }
            let spare = self.reader.spare(self.call.lifetime, miss.stale);
            if let Some(spare) = &spare {
                if let Some(lead) = miss.lead {
                    return Box::pin(self.refresh(*lead, spare, body)).await;
                }
                if self.reader.is_throttled(&self.key) {
                    return Ok(self.stand_in(spare));
                }
                let timeouts = self.reader.cache.timeouts(self.call.timeouts);
                if let Some(limit) = timeouts.soft {
                    return Box::pin(self.fly_for(limit, spare, refresh, body)).await;
                }
            }
            let (stamp, pass) = match miss.missed {
                Missed::At(stamp) => (Some(stamp), Pass::Unopened),
                Missed::Unreachable => (None, Pass::Denied),
                Missed::Unstamped => match Box::pin(self.open()).await? {
                    Some(opened) => match self.landing_of(opened.found) {
                        Some((_, output)) => return Ok(output),
                        None => (Some(opened.stamp), Pass::kept(opened.permit, opened.lease)),
                    },
                    None => (None, Pass::Denied),
                },
            };
            self.share(stamp, pass, spare.as_deref(), body).await
        }
    }

    /// Waits so long for the next value, and then has the stale one. The load is a task's, where there is one to run it.
    async fn fly_for<F: Future<Output = O>>(
        &self,
        limit: Duration,
        spare: &Stale<EntityOf<O>>,
        refresh: &impl Refresh<B, O>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        if Frame::is_loading(self.reader.cache.id(), &self.key) {
            return Box::pin(self.load_alone(Some(spare), body)).await;
        }
        let tag = Tag::of::<EntityOf<O>>(Some(spare.stamp));
        let flights = &self.reader.cache.inner().flights;
        let begun = Instant::now();
        let mut own = flights.begin(&self.key, tag);
        let mut landing = None;
        for _ in 0..Self::HAND_OVERS {
            if let Some(lead) = own.take()
                && let Err(lead) = refresh.take_over(self, lead, spare, Wait::ForOthers)
            {
                return self
                    .lead(lead, Pass::Unopened, Errand::Miss(Some(spare)), body)
                    .await;
            }
            let mut follower = match flights.join(&self.key, tag) {
                Joined::Lead(lead) => {
                    own = Some(lead);
                    continue;
                }
                Joined::Follow(follower) => follower,
            };
            let left = limit.saturating_sub(begun.elapsed());
            match timer::within(left, &mut follower).await {
                Some(Arrival::Landed(landed)) => {
                    landing = Some(landed);
                    break;
                }
                // Whoever loaded has gone: what is left of the time is the same.
                Some(Arrival::Lead(lead)) => {
                    drop(follower);
                    own = Some(lead);
                }
                None => break,
            }
        }
        let Some(landing) = landing else {
            return Ok(self.stand_in(spare));
        };
        let output = match (&landing, self.accept(&landing)) {
            (Landing::Failed(_) | Landing::Invalid(..), _) | (_, None) => {
                return Ok(self.stand_in(spare));
            }
            (_, Some(output)) => output,
        };
        match landing {
            Landing::Broken(error) => Err(Ended { output, error }),
            _ => Ok(output),
        }
    }

    pub(super) async fn open(&self) -> Result<Option<Opened<B::Permit>>, Ended<O>> {
        self.tolerate(self.reader.open(&self.key, Intent::Load).await)
    }

    /// Goes on without what the cache could not give, or ends the call.
    pub(super) fn tolerate<A>(&self, answer: Result<A, Error>) -> Result<Option<A>, Ended<O>> {
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
    #[expect(
        clippy::manual_async_fn,
        reason = "of an `async fn` every caller would keep the arguments twice"
    )]
    fn share<F: Future<Output = O>>(
        &self,
        stamp: Option<Stamp>,
        mut pass: Pass<B::Permit>,
        spare: Option<&Stale<EntityOf<O>>>,
        body: Pin<&mut F>,
    ) -> impl Future<Output = Result<O, Ended<O>>> {
        async move {
            if Frame::is_loading(self.reader.cache.id(), &self.key) {
                return Box::pin(self.load_alone(spare, body)).await;
            }
            // Whether the flight began after this caller came.
            let mut is_next = false;
            loop {
                let tag = Tag::of::<EntityOf<O>>(stamp);
                let flights = &self.reader.cache.inner().flights;
                let mut follower = match flights.join(&self.key, tag) {
                    Joined::Lead(lead) => {
                        return Box::pin(self.lead(lead, pass, Errand::Miss(spare), body)).await;
                    }
                    Joined::Follow(follower) => follower,
                };
                // A permit from before the wait may be void; a new one shows what has come since.
                pass = pass.renewed();
                let landing = match self.reader.wait(&mut follower).await {
                    Some(Arrival::Landed(landing)) => landing,
                    Some(Arrival::Lead(lead)) => {
                        drop(follower);
                        return Box::pin(self.lead(lead, pass, Errand::Miss(spare), body)).await;
                    }
                    None => {
                        drop(follower);
                        return match spare {
                            Some(spare) => Ok(self.stand_in(spare)),
                            None => Box::pin(self.load_alone(None, body)).await,
                        };
                    }
                };
                if let (Landing::Failed(_) | Landing::Invalid(..), Some(spare)) = (&landing, spare)
                {
                    return Ok(self.stand_in(spare));
                }
                let may_take = is_next || (stamp.is_some() && self.is_guarded(&landing));
                if may_take && let Some(output) = self.accept(&landing) {
                    return match landing {
                        Landing::Broken(error) => Err(Ended { output, error }),
                        _ => Ok(output),
                    };
                }
                // What landed is of no use to this caller: it joins those who are left.
                follower.pass_over();
                is_next = true;
            }
        }
    }

    /// Replaces what is stale and serves. Nobody waits for it: where it takes longer than a flight may, somebody else may begin as well.
    pub(super) async fn refresh<F: Future<Output = O>>(
        &self,
        leader: Lead,
        stale: &Stale<EntityOf<O>>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        let work = self.lead(leader, Pass::Unopened, Errand::Refresh(stale), body);
        let keys = std::slice::from_ref(&self.key);
        self.reader.lead_for_a_while(keys, pin!(work)).await
    }

    /// Loads for everyone on the flight. If this future is dropped, or the body panics, `leader` hands over.
    pub(super) async fn lead<F: Future<Output = O>>(
        &self,
        leader: Lead,
        pass: Pass<B::Permit>,
        errand: Errand<'_, EntityOf<O>>,
        body: Pin<&mut F>,
    ) -> Result<O, Ended<O>> {
        if let Some(spare) = errand.spare()
            && self.reader.is_throttled(&self.key)
        {
            return Ok(self.stand_in(spare));
        }
        let told = match self.take_off(pass, &errand).await {
            Ok(TakeOff::Load(permit)) => self.load(permit, errand.spare(), body).await,
            Ok(TakeOff::Arrived(landing, output)) => Told::now(Ok(output), Some(landing)),
            Ok(TakeOff::Elsewhere(stale)) => return Ok(self.stale_hit(stale)),
            Err(ended) => ended.told(),
        };
        told.land(leader)
    }

    /// Asks for the permit, unless it is there; another flight may have landed between the look-up and this one's beginning. Where it is the turn of another
    /// process, what that loads is waited for, unless this is a refresh.
    async fn take_off<'s>(
        &self,
        pass: Pass<B::Permit>,
        errand: &Errand<'s, EntityOf<O>>,
    ) -> Result<TakeOff<'s, B::Permit, O>, Ended<O>> {
        let mut opened = match pass {
            Pass::Opened(permit, lease) => Some((permit, lease)),
            Pass::Denied => None,
            Pass::Unopened => match self.open_or_arrive().await? {
                Ok(opened) => opened,
                Err((landing, output)) => return Ok(TakeOff::Arrived(landing, output)),
            },
        };
        if let (Some((_, Lease::Taken)), Some(stale)) = (&opened, errand.in_turn()) {
            return Ok(TakeOff::Elsewhere(stale));
        }
        let mut turn = Turn::new(self.reader.cache.inner().settings.lease_deadline);
        while let Some((_, Lease::Taken)) = opened
            && turn.wait().await
        {
            opened = match self.open_or_arrive().await? {
                Ok(opened) => opened,
                Err((landing, output)) => return Ok(TakeOff::Arrived(landing, output)),
            };
        }
        Ok(TakeOff::Load(opened.map(|(permit, _)| permit)))
    }

    /// Opens, and looks at what is there; the inner `Err` is what has arrived.
    async fn open_or_arrive(&self) -> Result<Result<OpenPass<B>, (Landing, O)>, Ended<O>> {
        let Some(opened) = self.open().await? else {
            return Ok(Ok(None));
        };
        Ok(match self.landing_of(opened.found) {
            Some(arrived) => Err(arrived),
            None => Ok(Some((opened.permit, opened.lease))),
        })
    }
}
