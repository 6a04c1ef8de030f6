//! What can stand for an entity's key among a function's arguments.

use super::CacheEntity;
use crate::key::{KeyPart, KeyWriter};
use std::borrow::Cow;
use std::sync::Arc;

/// Stands for a key, or for a part of one, among a function's arguments: the type itself, a
/// reference to it, and `&str` for strings.
///
/// The key is encoded from what was borrowed; nothing owned is built for a look-up.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for `{K}` in a cache key",
    label = "expected `{K}` or `&{K}`",
    note = "change the type, or compute the value: `key = expression` for a key of one field, `key = (field = expression, …)` for several"
)]
pub trait KeyArg<K> {
    /// Appends this argument as one part of a key.
    fn write_part(&self, out: &mut KeyWriter)
    where
        K: KeyPart;

    /// Appends this argument as the whole key of `T`.
    fn write_key<T: CacheEntity<Key = K>>(&self, out: &mut KeyWriter);
}

impl<K> KeyArg<K> for K {
    fn write_part(&self, out: &mut KeyWriter)
    where
        K: KeyPart,
    {
        self.write(out);
    }
    fn write_key<T: CacheEntity<Key = K>>(&self, out: &mut KeyWriter) {
        T::write_key(self, out);
    }
}

macro_rules! borrowed_args {
    ($([$($generics:tt)*] $arg:ty => $key:ty, |$this:ident| $text:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> KeyArg<$key> for $arg {
            fn write_part(&self, out: &mut KeyWriter) {
                let $this = self;
                out.push_part($text);
            }
            fn write_key<T: CacheEntity<Key = $key>>(&self, out: &mut KeyWriter) {
                let $this = self;
                T::write_str_key($text, out);
            }
        }
    )*};
}

borrowed_args! {
    [] &str => String, |text| text;
    [] &&str => String, |text| text;
    [] Cow<'_, str> => String, |text| text;
    [] &Cow<'_, str> => String, |text| text;
    [] Arc<str> => String, |text| text;
    [] &Arc<str> => String, |text| text;
    [] Box<str> => String, |text| text;
    [] &Box<str> => String, |text| text;
    [] &str => Arc<str>, |text| text;
    [] &str => Box<str>, |text| text;
    [] &String => Arc<str>, |text| text;
    [] &String => Box<str>, |text| text;
}

#[diagnostic::do_not_recommend]
impl<K> KeyArg<K> for &K {
    fn write_part(&self, out: &mut KeyWriter)
    where
        K: KeyPart,
    {
        (*self).write(out);
    }
    fn write_key<T: CacheEntity<Key = K>>(&self, out: &mut KeyWriter) {
        T::write_key(self, out);
    }
}
