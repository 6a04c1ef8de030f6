//! Other fields that name an entity.

use crate::engine::call::Call;
use crate::engine::provenance::{Provenance, Source};
use crate::engine::{ByIndex, IndexKind, IndexTurn, Kind};
use crate::entity::CacheEntity;
use crate::handle::CacheService;
use crate::key::{KeyPart, KeyWriter};
use crate::output::value::{Apart, Declared, ValueOf};
use crate::output::{CachedOutput, Carrying, Edge, EntityOf, Land, Payload, Saying, Sharing};
use crate::store::{CacheBackend, Lookup};
use std::marker::PhantomData;
use std::sync::Arc;

/// Declares a field, beside the key, that names one entity: its index. `#[cache(index(email))]`
/// writes this.
///
/// What is kept of an index is where an entity was last found: its key. That is a hint and nothing
/// more. The entity is read under its own key, and is taken only if it still has the field that was
/// asked for: so an index needs no invalidation, and a write of the entity costs what it costs
/// without.
pub trait CacheIndex: Send + Sync + 'static {
    /// What is found.
    type Entity: CacheEntity;
    /// The type of the field.
    type Field: KeyPart;
    /// The prefix of its hints.
    const PREFIX: &'static str;
    /// Where it is defined.
    #[doc(hidden)]
    const DEFINITION: &'static str;

    /// Returns the field; `None` if this entity has none.
    fn field(entity: &Self::Entity) -> Option<&Self::Field>;
}

/// Where the entities of an index are.
pub(crate) struct Hints<I>(PhantomData<fn() -> I>);

impl<I: CacheIndex> Declared for Hints<I> {
    const PREFIX: &'static str = I::PREFIX;
    const DEFINITION: &'static str = I::DEFINITION;
}

/// The text of an entity's key, kept under its index.
pub(crate) type Hint<I> = ValueOf<String, Hints<I>, Apart>;

/// Returns an index as data.
pub(crate) const fn index_kind<I: CacheIndex>() -> &'static IndexKind {
    const {
        &IndexKind {
            hints: Kind::of::<Hint<I>>(),
            entities: Kind::of::<I::Entity>(),
            hint: |text| Arc::new(Hint::<I>::new(Arc::new(text))),
            text: |hint| {
                let hint = hint.downcast_ref::<Hint<I>>()?;
                Some(Arc::clone(&hint.value))
            },
            write_field: |entity, key| {
                let field = entity.downcast_ref().and_then(I::field);
                field.map(|field| field.write(key)).is_some()
            },
        }
    }
}

/// Answers a look-up by an index at once, if both the hint and the entity are in reach.
///
/// # Errors
/// What is to be asked then.
pub(crate) fn peek_by<'e, I, B, O, S, C, Y>(
    edge: Edge<O, S, C, Y>,
    cache: &'e CacheService<B>,
    asked: &KeyWriter,
    call: Call,
) -> Result<O, Box<ByIndex<'e>>>
where
    I: CacheIndex<Entity = EntityOf<O>>,
    B: CacheBackend,
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    if let Some(output) = try_peek_by::<I, B, O>(cache, asked, &call) {
        return Ok(output);
    }
    let (engine, ask) = (cache.engine(), edge.ask(call));
    Err(ByIndex::new(engine, index_kind::<I>(), ask, asked.clone()))
}

fn try_peek_by<I, B, O>(cache: &CacheService<B>, asked: &KeyWriter, call: &Call) -> Option<O>
where
    I: CacheIndex<Entity = EntityOf<O>>,
    B: CacheBackend,
    O: CachedOutput,
{
    if !call.peeks() {
        return None;
    }
    let (engine, index) = (cache.engine(), index_kind::<I>());
    let peek = |key: &KeyWriter, kind: &Kind| {
        key.with_key(|key| cache.backend().peek(key, kind.shape))
            .flatten()
    };
    let Some(Lookup::Hit { value: hint, .. }) = peek(asked, index.hints) else {
        return None;
    };
    let key = engine.key_at(index.entities, &(index.text)(&hint)?);
    let Some(Lookup::Hit { value, age }) = peek(&key, index.entities) else {
        return None;
    };
    let is_drawn = engine.draws_early(index.entities, call.strategy, call.lifetime(), age);
    if is_drawn || !engine.is_found(index, &value, asked) {
        return None;
    }
    let entity = value.downcast::<EntityOf<O>>().ok()?;
    engine.record_hit(index.hints);
    engine.record_hit(index.entities);
    let seen = Provenance::stored(Source::Hit, age);
    Some(O::from_payload(O::Payload::from_found(entity, seen)))
}

impl<O, S, C, Y> Edge<O, S, C, Y>
where
    O: CachedOutput,
    S: Sharing<O>,
    C: Carrying<O>,
    Y: Saying<O>,
{
    /// Lands a load of what an index asks for.
    pub(crate) fn land_by_index(self, turn: IndexTurn<'_>, output: Option<O>) -> Land<'_, O, Self> {
        let says_why = turn.has_fallback();
        let loaded = output
            .as_ref()
            .map(|output| self.loaded(output, false, says_why));
        Land {
            landing: turn.land(loaded),
            output,
            edge: self,
        }
    }
}
