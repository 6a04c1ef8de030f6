//! The keys of values: parts that say by themselves how they are written, and whose they are.

use crate::handle::CacheService;
use crate::key::{KeyPart, KeyWriter};
use crate::store::CacheBackend;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

/// Begins the key of a value.
pub fn value_key<B: CacheBackend>(cache: &CacheService<B>, prefix: &str) -> KeyWriter {
    cache.value_writer(prefix)
}

/// The type that a method with a prefix is called on: of two, in one service, what is cached for
/// one would be returned for the other.
pub struct Owner(AtomicU64);

impl Owner {
    #[expect(clippy::new_without_default, reason = "named by generated code only")]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Refuses a key of another type than the first. Whom it has found to be right last is not
    /// looked up again.
    pub fn check<S: ?Sized, B: CacheBackend>(
        &self,
        cache: &CacheService<B>,
        prefix: &'static str,
        key: &mut KeyWriter,
    ) {
        let name = std::any::type_name::<S>();
        let definitions = &cache.engine().definitions;
        let last = definitions.serial() ^ (name.as_ptr() as u64).rotate_left(16);
        if self.0.load(Ordering::Relaxed) == last {
            return;
        }
        if definitions.owns(prefix, name) {
            self.0.store(last, Ordering::Relaxed);
        } else {
            key.refuse("a method with a `prefix` is called on two types: write what tells them apart into `key`, or `skip(Self)`");
        }
    }
}

/// Is one part of a value's key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "cannot be written into a key",
    note = "integers, `bool`, `char`, strings and IP addresses can be, and newtypes of them with `#[derive(cache_kit::KeyPart)]`; \
            write `key = (…)` with what can be computed from it, or `skip(…)` if the value does not depend on it"
)]
pub trait ValuePart {
    fn write_into(&self, out: &mut KeyWriter);
}

#[diagnostic::do_not_recommend]
impl<P: KeyPart> ValuePart for P {
    fn write_into(&self, out: &mut KeyWriter) {
        self.write(out);
    }
}

#[diagnostic::do_not_recommend]
impl ValuePart for str {
    fn write_into(&self, out: &mut KeyWriter) {
        out.push_part(self);
    }
}

/// Writes a part after `index` others.
pub fn value_part<P: ValuePart + ?Sized>(index: usize, part: &P, out: &mut KeyWriter) {
    if index > 0 {
        out.separate();
    }
    part.write_into(out);
}

/// Sees through the references of an expression: `(&&&Piece(&expression)).piece()`.
pub struct Piece<'p, P: ?Sized>(pub &'p P);

/// A reference to a reference to a part.
pub trait PieceOfRefs<'p> {
    type Part: ?Sized;
    fn piece(&self) -> &'p Self::Part;
}

impl<'p, P: ValuePart + ?Sized> PieceOfRefs<'p> for &&Piece<'p, &'p &'p P> {
    type Part = P;
    fn piece(&self) -> &'p P {
        self.0
    }
}

/// A reference to a part, or text that is not owned.
pub trait PieceOfRef<'p> {
    type Part: ?Sized;
    fn piece(&self) -> &'p Self::Part;
}

impl<'p, P: ValuePart + ?Sized> PieceOfRef<'p> for &Piece<'p, &'p P> {
    type Part = P;
    fn piece(&self) -> &'p P {
        self.0
    }
}

impl<'p> PieceOfRef<'p> for &Piece<'p, Cow<'p, str>> {
    type Part = str;
    fn piece(&self) -> &'p str {
        self.0
    }
}

/// A part itself.
pub trait PieceOfNone<'p> {
    type Part: ?Sized;
    fn piece(&self) -> &'p Self::Part;
}

impl<'p, P: ?Sized> PieceOfNone<'p> for Piece<'p, P> {
    type Part = P;
    fn piece(&self) -> &'p P {
        self.0
    }
}
