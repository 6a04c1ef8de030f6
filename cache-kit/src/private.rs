//! All that generated code names. Not part of the public API: it changes without notice.
#![allow(missing_docs, reason = "for generated code")]

mod edges;
mod fetched;
mod indexes;
mod keep;
mod keys;
mod many;
mod outcome;
mod put;
mod retry;
mod tags;
mod value_keys;
mod values;
mod writes;

pub use crate::codec::schema::{CacheSchema, Opaque, schema_of};
pub use crate::engine::call::Call;
pub use crate::engine::provenance::{Overrides, Provenance};
pub use crate::engine::{Answer, IndexTurn, Run, Scopes, Turn};
pub use crate::entity::CacheEntity;
pub use crate::entity::KeyArg;
pub use crate::entity::Payloads;
pub use crate::error::Result;
pub use crate::feeder::feed::CacheFeed;
pub use crate::feeder::repository::Repository;
pub use crate::key::{KeyPart, KeyWriter, ParseKeyError};
pub use crate::output::index::CacheIndex;
pub use crate::output::value::Declared;
pub use crate::output::{
    Asked, BatchOutput, CachedOutput, CarriesCacheError, CarryInto, CarryNone, Carrying, Detached,
    Edge, EntityOf, EntityOfMany, FreshOutput, ItemOf, Land, LandMany, LoadOf, ManyEdge, ManyRead,
    Probe, Saying, SaysDisplayed, SaysNothing, SaysShown, ShareClone, ShareInto, ShareNone,
    ShareSaid, Sharing, Unable,
};
pub use crate::store::Soon;
pub use crate::strategy::CacheStrategy;
pub use crate::strategy::retry::Retry;
pub use crate::strategy::timeouts::check_timeouts;
pub use crate::ttl::Lifetime;
pub use edges::{NoAnswer, NoAsked, NoEdge, NoTurn};
pub use fetched::{
    Failing, FailsAsError, FailsAsOwn, FailsNot, FailsShown, FailsUnsaid, fetched, fetched_many,
    give, lend, own_of,
};
pub use indexes::{
    By, ByField, ByNone, EntityKnown, EntityUnknown, Finds, FindsNot, Has, Indexed, IsNoIndex,
    Named, NamedIndex, NamedOther,
};
pub use keep::{Keep, KeepToRepeat, boxed};
pub use keys::{
    At, KeyField, KeyLen, KeyNamed, Len, Name, Nowhere, Place, Start, StartNone, StartParts,
    StartWhole, Whole, entity_key, fmt_key, split_key, write_whole_key,
};
pub use many::{
    Again, BatchNone, BatchOf, Fits, FitsNot, KeyOf, Lender, Lent, Many, NotMany, Own,
    unless_entity,
};
pub use outcome::{
    Finish, MaybeFresh, Methods, NoOutcome, OutcomeNone, OutcomeOf, Returns, unless,
};
pub use put::{
    KeySlots, KeySource, PlaceNamed, PlaceNone, PlaceWhole, PutArg, key_of_slots, key_slots,
    write_entity_key,
};
pub use retry::{Fallible, Transient, retry, retry_if, retrying};
pub use serde;
pub use tags::TagPart;
pub use value_keys::{Owner, Piece, PieceOfNone, PieceOfRef, PieceOfRefs, value_key, value_part};
pub use values::{
    Form0, Form1, Form2, Form3, Form4, Form5, Form6, Form7, MissSaid, MissUnsaid, Value,
};
pub use writes::Write;

use crate::backend::InMemoryBackend;
use crate::handle::CacheService;
use crate::store::CacheBackend;
use std::sync::Arc;

/// What `self.cache` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    label = "expected a `CacheService`",
    note = "the cache is `self.cache`, a parameter `cache: &CacheService<…>`, or what `cache = …` names"
)]
pub trait AsCache {
    type Backend: CacheBackend;
    fn as_cache(&self) -> &CacheService<Self::Backend>;
}

impl<B: CacheBackend> AsCache for CacheService<B> {
    type Backend = B;
    fn as_cache(&self) -> &CacheService<B> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<C: AsCache + ?Sized> AsCache for &C {
    type Backend = C::Backend;
    fn as_cache(&self) -> &CacheService<C::Backend> {
        (**self).as_cache()
    }
}

#[diagnostic::do_not_recommend]
impl<C: AsCache + ?Sized> AsCache for Arc<C> {
    type Backend = C::Backend;
    fn as_cache(&self) -> &CacheService<C::Backend> {
        (**self).as_cache()
    }
}

#[diagnostic::do_not_recommend]
impl<C: AsCache, F: FnOnce() -> C> AsCache for std::sync::LazyLock<C, F> {
    type Backend = C::Backend;
    fn as_cache(&self) -> &CacheService<C::Backend> {
        (**self).as_cache()
    }
}

/// Answers without waiting.
#[diagnostic::on_unimplemented(
    message = "a synchronous function needs the in-memory backend, not `{Self}`",
    label = "a call of it may have to wait for the store",
    note = "write `async fn`, or cache in an `InMemoryBackend`"
)]
pub trait AnswersAtOnce {}

#[diagnostic::do_not_recommend]
impl AnswersAtOnce for InMemoryBackend {}

/// Checks the cache of a synchronous function.
pub fn at_once<B: CacheBackend + AnswersAtOnce>(_: &CacheService<B>) {}

pub fn cache<C: AsCache + ?Sized>(cache: &C) -> &CacheService<C::Backend> {
    cache.as_cache()
}
