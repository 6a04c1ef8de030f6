//! Keys written from arguments, with their names and types compared to the entity's key fields.

use crate::backend::CacheBackend;
use crate::entity::CacheEntity;
use crate::key::{KeyArg, KeyPart, KeyWriter, ParseKeyError};
use crate::service::CacheService;
use std::fmt;
use std::marker::PhantomData;

/// A name, as a hash that a type can carry.
pub struct Name<const HASH: u64>;

/// A number of parameters.
pub struct Len<const LEN: usize>;

/// Has a key field at this place, if it has this name.
#[diagnostic::on_unimplemented(
    message = "the key of `{Self}` has no part for this parameter",
    label = "not part of the key",
    note = "add it to the key, or write `skip(…)` if the result does not depend on it; \
            for an entity with a hand-written key write `key = …`"
)]
pub trait KeyField<const INDEX: usize, const NAME: u64>: CacheEntity {
    type Field: KeyPart;
    /// Where the next parameter stands; no type at all if the name is wrong, so that one mistake is one error.
    type Next;
}

/// A place in the key of an entity: what the part before leads to.
pub struct At<T, const INDEX: usize>(PhantomData<fn() -> T>);

/// Walks along the places.
pub struct Cursor<P>(PhantomData<fn() -> P>);

/// Begins before the first part.
pub fn first_part<T>() -> Cursor<At<T, 0>> {
    Cursor(PhantomData)
}

/// Ends after the last part.
pub fn last_part<T: KeyLen<LEN>, const LEN: usize>(_: Cursor<At<T, LEN>>) {}

/// Has a key of this many fields.
#[diagnostic::on_unimplemented(
    message = "the key of `{Self}` is not written from several parameters",
    label = "give one parameter of the key's type, or write `key = …`",
    note = "keys that `#[derive(CacheEntity)]` makes can be"
)]
pub trait KeyLen<const LEN: usize>: CacheEntity {}

/// Has a key field of this name.
pub trait KeyNamed<const NAME: u64>: CacheEntity {
    type Field: KeyPart;
    const INDEX: usize;
}

/// Begins the key of an entity: namespace and prefix.
pub fn entity_key<T: CacheEntity, B: CacheBackend>(cache: &CacheService<B>) -> KeyWriter {
    cache.writer::<T>()
}

/// Writes the whole key from one argument.
pub fn write_whole_key<T: CacheEntity, A: KeyArg<T::Key>>(arg: &A, out: &mut KeyWriter) {
    arg.write_key::<T>(out);
}

/// Writes one of several key fields.
pub fn write_part<T, const INDEX: usize, const NAME: u64, A>(
    _: Cursor<At<T, INDEX>>,
    arg: &A,
    out: &mut KeyWriter,
) -> Cursor<T::Next>
where
    T: KeyField<INDEX, NAME>,
    A: KeyArg<T::Field>,
{
    if INDEX > 0 {
        out.separate();
    }
    arg.write_part(out);
    Cursor(PhantomData)
}

/// Shows a composite key as it stands in a cache key.
pub fn fmt_key(key: &impl KeyPart, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::key::join_fmt(key, f)
}

pub fn split_key<const LEN: usize>(text: &str) -> Result<[&str; LEN], ParseKeyError> {
    crate::key::split(text)
}
