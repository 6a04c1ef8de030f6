//! Look-ups by an index, by the name of its field.

#![expect(
    clippy::unused_self,
    reason = "methods, so that they are looked up by type"
)]

use super::AsCache;
use super::edges::NoEdge;
use super::keys::Nowhere;
use super::outcome::Returns;
use crate::engine::call::Call;
use crate::engine::{Answer, ByIndex, IndexTurn};
use crate::entity::CacheEntity;
use crate::entity::KeyArg;
use crate::handle::CacheService;
use crate::key::KeyWriter;
use crate::output::index::CacheIndex;
use crate::output::index::peek_by;
use crate::output::{CachedOutput, Carrying, Edge, EntityOf, Land, Saying, Sharing};
use crate::store::CacheBackend;
use crate::store::Soon;
use std::marker::PhantomData;

/// Has an index over the field of this name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no such index",
    label = "not an index of the entity",
    note = "declare it in the entity's `#[cache(…)]`: `index(field)`"
)]
pub trait Indexed<const NAME: u64>: CacheEntity {
    type Index: CacheIndex<Entity = Self>;
}

/// Asks whether an output is of an entity: `(&&Returns::<O>::new()).entity()`.
pub trait EntityKnown<O> {
    fn entity(&self) -> OfEntity<O>;
}

impl<O: CachedOutput> EntityKnown<O> for &Returns<O> {
    fn entity(&self) -> OfEntity<O> {
        OfEntity(PhantomData)
    }
}

/// Outputs that are of none.
pub trait EntityUnknown {
    fn entity(&self) -> OfNone;
}

impl<O> EntityUnknown for Returns<O> {
    fn entity(&self) -> OfNone {
        OfNone
    }
}

/// Checks for an index.
pub struct OfEntity<O>(PhantomData<fn() -> O>);

/// Method look-up does not judge the bounds of a trait's method, so that a missing index gets the
/// message of the bound.
pub trait Has: Sized {
    type Entity;
    fn has<const NAME: u64>(&self)
    where
        Self::Entity: Indexed<NAME>,
    {
    }
}

impl<O: CachedOutput> Has for OfEntity<O> {
    type Entity = EntityOf<O>;
}

/// Checks nothing.
pub struct OfNone;

impl OfNone {
    pub fn has<const NAME: u64>(&self) {}
}

/// Asks whether an output is of an entity with this index: `(&&By::<O, NAME>::new()).methods()`.
pub struct By<O, const NAME: u64>(PhantomData<fn() -> O>);

impl<O, const NAME: u64> By<O, NAME> {
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Outputs that are.
pub trait ByField<O, const NAME: u64> {
    fn methods(&self) -> Finds<O, NAME>;
}

impl<O, const NAME: u64> ByField<O, NAME> for &By<O, NAME>
where
    O: CachedOutput,
    EntityOf<O>: Indexed<NAME>,
{
    fn methods(&self) -> Finds<O, NAME> {
        Finds(PhantomData)
    }
}

/// Outputs that are not.
pub trait ByNone<O> {
    fn methods(&self) -> FindsNot<O>;
}

impl<O, const NAME: u64> ByNone<O> for By<O, NAME> {
    fn methods(&self) -> FindsNot<O> {
        FindsNot(PhantomData)
    }
}

type IndexOf<O, const NAME: u64> = <EntityOf<O> as Indexed<NAME>>::Index;
type FieldOf<O, const NAME: u64> = <IndexOf<O, NAME> as CacheIndex>::Field;

/// The methods of an output that is found by an index.
pub struct Finds<O, const NAME: u64>(PhantomData<fn() -> O>);

impl<O, const NAME: u64> Finds<O, NAME>
where
    O: CachedOutput,
    EntityOf<O>: Indexed<NAME>,
{
    pub fn key<C, A>(&self, cache: C, arg: &A) -> KeyWriter
    where
        C: AsCache,
        A: KeyArg<FieldOf<O, NAME>>,
    {
        let cache = cache.as_cache();
        let mut key = cache.value_writer(IndexOf::<O, NAME>::PREFIX);
        arg.write_part(&mut key);
        key
    }

    /// How the output comes out of the cache and goes into it.
    pub fn edge<S, C, Y>(&self, sharing: S, carrying: C, saying: Y) -> IndexEdge<O, NAME, S, C, Y>
    where
        S: Sharing<O>,
        C: Carrying<O>,
        Y: Saying<O>,
    {
        IndexEdge(Edge::new(sharing, carrying, saying))
    }
}

/// An edge of a function that finds by an index.
pub struct IndexEdge<O, const NAME: u64, S, C, Y>(Edge<O, S, C, Y>);

impl<O, const NAME: u64, S: Copy, C: Copy, Y: Copy> Clone for IndexEdge<O, NAME, S, C, Y> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, const NAME: u64, S: Copy, C: Copy, Y: Copy> Copy for IndexEdge<O, NAME, S, C, Y> {}

/// A call by an index that a peek has not answered.
pub struct IndexAsked<'e>(Box<ByIndex<'e>>);

impl IndexAsked<'_> {
    #[must_use]
    pub fn tags(mut self, tags: Vec<String>) -> Self {
        self.0.tag(tags);
        self
    }
}

impl<O, const NAME: u64, S, C, Y> IndexEdge<O, NAME, S, C, Y>
where
    O: CachedOutput,
    EntityOf<O>: Indexed<NAME>,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    pub fn peek<'e, B: CacheBackend>(
        self,
        cache: &'e CacheService<B>,
        key: &KeyWriter,
        call: Call,
    ) -> Result<O, IndexAsked<'e>> {
        let peeked = peek_by::<IndexOf<O, NAME>, B, O, S, C, Y>(self.0, cache, key, call);
        peeked.map_err(IndexAsked)
    }

    pub fn begin(self, asked: IndexAsked<'_>) -> Soon<'_, Result<IndexTurn<'_>, Answer>> {
        asked.0.begin()
    }

    pub fn answer(self, answer: Answer) -> O {
        self.0.answer(answer)
    }

    pub fn answer_or(self, answer: Answer, miss: fn() -> O) -> O {
        self.0.answer_or(answer, miss)
    }

    pub fn land(self, turn: IndexTurn<'_>, output: Option<O>) -> Land<'_, O, Edge<O, S, C, Y>> {
        self.0.land_by_index(turn, output)
    }
}

/// The methods of one that is not. They never run.
pub struct FindsNot<O>(PhantomData<fn() -> O>);

impl<O> FindsNot<O> {
    pub fn key<C, A>(&self, _: C, _: &A) {}

    pub fn edge<S, C, Y>(&self, _: S, _: C, _: Y) -> NoEdge<O> {
        NoEdge::new()
    }
}

/// Asks whether an argument is named like an index: `(&&Named::<T, NAME>::new()).key_of()`.
pub struct Named<T, const NAME: u64>(PhantomData<fn() -> T>);

impl<T, const NAME: u64> Named<T, NAME> {
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// It is: then it is not the key, whatever its type.
pub trait NamedIndex {
    type Entity;

    fn key_of(&self) -> Misnamed
    where
        Self::Entity: IsNoIndex,
    {
        Misnamed
    }
}

impl<T: Indexed<NAME>, const NAME: u64> NamedIndex for &Named<T, NAME> {
    type Entity = T;
}

/// It is not.
pub trait NamedOther {
    fn key_of(&self) -> WellNamed {
        WellNamed
    }
}

impl<T, const NAME: u64> NamedOther for Named<T, NAME> {}

/// Begins a key.
pub struct WellNamed;

impl WellNamed {
    pub fn at<P>(self, place: P) -> P {
        place
    }
}

/// Begins none: that was said.
pub struct Misnamed;

impl Misnamed {
    pub fn at<P>(self, _: P) -> Nowhere {
        Nowhere
    }
}

/// Nothing implements it: it is asked of entities with an index of the argument's name.
#[diagnostic::on_unimplemented(
    message = "this is an index of `{Self}`, and not its key",
    label = "an index, not the key",
    note = "in `#[cached]` write `index = …`, with the name of the field; a write needs the key"
)]
pub trait IsNoIndex {}
