//! Keys written from arguments, with their names and types compared to the entity's key fields.

use crate::entity::CacheEntity;
use crate::entity::KeyArg;
use crate::handle::CacheService;
use crate::key::{KeyPart, KeyWriter, ParseKeyError};
use crate::store::CacheBackend;
use std::fmt;
use std::marker::PhantomData;

/// A name, as a hash that a type can carry.
pub struct Name<const HASH: u64>;

/// A number of parameters.
pub struct Len<const LEN: usize>;

/// Has a key field at this place, if it has this name.
#[diagnostic::on_unimplemented(
    message = "the key of `{Self}` is one value, and this parameter is not that value",
    label = "not the key",
    note = "take one parameter of type `<{Self} as CacheEntity>::Key`, or write `key = expression`; \
            only a key that `#[derive(CacheEntity)]` makes has parts"
)]
pub trait KeyField<const INDEX: usize, const NAME: u64>: CacheEntity {
    type Field: KeyPart;
    /// Where the next parameter stands; no type at all if the name is wrong, so that one mistake is
    /// one error.
    type Next: Default;
}

/// A place in the key of an entity.
pub struct At<T>(PhantomData<fn() -> T>);

impl<T> Default for At<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// Writes part after part. The bounds are on the methods of a trait: method look-up does not judge
/// these, so that a parameter that does not fit gets the message of the bound.
pub trait Place: Sized {
    type Entity;

    /// Writes the part at `INDEX`.
    fn part<const INDEX: usize, const NAME: u64, A>(
        self,
        arg: &A,
        out: &mut KeyWriter,
    ) -> <Self::Entity as KeyField<INDEX, NAME>>::Next
    where
        Self::Entity: KeyField<INDEX, NAME>,
        A: KeyArg<<Self::Entity as KeyField<INDEX, NAME>>::Field>,
    {
        if INDEX > 0 {
            out.separate();
        }
        arg.write_part(out);
        Default::default()
    }

    /// Ends after the last part.
    fn last<const LEN: usize>(self)
    where
        Self::Entity: KeyLen<LEN>,
    {
    }
}

impl<T> Place for At<T> {
    type Entity = T;
}

/// The place of an argument that is the whole key.
pub struct Whole<T>(PhantomData<fn() -> T>);

impl<T: CacheEntity> Whole<T> {
    #[must_use]
    pub fn part<const INDEX: usize, const NAME: u64, A: KeyArg<T::Key>>(
        self,
        arg: &A,
        out: &mut KeyWriter,
    ) -> Self {
        write_whole_key::<T, A>(arg, out);
        self
    }

    pub fn last<const LEN: usize>(self) {}
}

/// No place: that there is no entity was said before.
pub struct Nowhere;

impl Nowhere {
    #[must_use]
    pub fn part<const INDEX: usize, const NAME: u64, A>(self, _: &A, _: &mut KeyWriter) -> Self {
        self
    }

    pub fn last<const LEN: usize>(self) {}
}

/// Where the key of `T` begins: `(&&&Start::<T, _>::new(&arg)).place()` if `arg` is all there is,
/// and may be the whole key; with one reference less if it is not.
pub struct Start<T, A>(PhantomData<fn() -> (T, A)>);

impl<T, A> Start<T, A> {
    pub fn new(_: &A) -> Self {
        Self(PhantomData)
    }
}

/// The argument is the whole key.
pub trait StartWhole<T> {
    fn place(&self) -> Whole<T>;
}

impl<T: CacheEntity, A: KeyArg<T::Key>> StartWhole<T> for &&Start<T, A> {
    fn place(&self) -> Whole<T> {
        Whole(PhantomData)
    }
}

/// The argument is a part, and the compiler says which others there are.
pub trait StartParts<T> {
    fn place(&self) -> At<T>;
}

impl<T: CacheEntity, A> StartParts<T> for &Start<T, A> {
    fn place(&self) -> At<T> {
        At(PhantomData)
    }
}

/// There is no key to write.
pub trait StartNone {
    fn place(&self) -> Nowhere;
}

impl<T, A> StartNone for Start<T, A> {
    fn place(&self) -> Nowhere {
        Nowhere
    }
}

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

/// Shows a composite key as it stands in a cache key.
pub fn fmt_key(key: &impl KeyPart, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    crate::key::join_fmt(key, f)
}

pub fn split_key<const LEN: usize>(text: &str) -> Result<[&str; LEN], ParseKeyError> {
    crate::key::split(text)
}
