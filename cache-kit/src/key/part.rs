use super::writer::{KeyWriter, needs_encoding};
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::str::FromStr;
use std::sync::Arc;

/// Writes a value as one part of a cache key, and reads it back.
///
/// Two values that are not equal must write two texts: [`KeyWriter::push_part`] encodes what would
/// run two parts together. Floats, options and collections are no key parts: a float has several
/// spellings of one value, an option has no spelling for `None`, a collection no end.
///
/// ```
/// use cache_kit::{KeyPart, KeyWriter, ParseKeyError};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Iban(String);
///
/// impl KeyPart for Iban {
///     fn write(&self, out: &mut KeyWriter) {
///         out.push_part(&self.0);
///     }
///     fn parse(text: &str) -> Result<Self, ParseKeyError> {
///         String::parse(text).map(Iban)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "cannot be written into a key",
    note = "integers, `bool`, `char`, strings and IP addresses can be, `uuid::Uuid` and `chrono` dates with the features `uuid` and `chrono`; \
            write `#[derive(cache_kit::KeyPart)]` on a newtype, `impl cache_kit::KeyPart` for another type; a key of one field also needs `Display`"
)]
pub trait KeyPart: Sized {
    /// Appends the text of this part.
    fn write(&self, out: &mut KeyWriter);

    /// Reads a part back from its text.
    ///
    /// # Errors
    /// [`ParseKeyError`] if the text is not one that [`write`](Self::write) makes.
    fn parse(text: &str) -> Result<Self, ParseKeyError>;
}

/// Says that a text is not the key it was read as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a key of this kind")]
pub struct ParseKeyError {
    text: String,
}

impl ParseKeyError {
    /// Builds the error for a text that does not parse.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

macro_rules! plain_parts {
    ($($(#[$feature:meta])? $part:ty),* $(,)?) => {$(
        $(#[$feature])?
        impl KeyPart for $part {
            fn write(&self, out: &mut KeyWriter) {
                // A `KeyWriter` takes all text.
                let _ = write!(out, "{self}");
            }
            fn parse(text: &str) -> Result<Self, ParseKeyError> {
                canonical(text, text)
            }
        }
    )*};
}

// Types whose `Display` has none of the characters that are encoded.
plain_parts!(
    bool,
    NonZeroI8,
    NonZeroI16,
    NonZeroI32,
    NonZeroI64,
    NonZeroI128,
    NonZeroIsize,
    NonZeroU8,
    NonZeroU16,
    NonZeroU32,
    NonZeroU64,
    NonZeroU128,
    NonZeroUsize,
    Ipv4Addr,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
    #[cfg(feature = "chrono")]
    chrono::NaiveDate,
);

macro_rules! integer_parts {
    ($($part:ty),*) => {$(
        impl KeyPart for $part {
            #[inline]
            fn write(&self, out: &mut KeyWriter) {
                out.push(itoa::Buffer::new().format(*self));
            }
            fn parse(text: &str) -> Result<Self, ParseKeyError> {
                canonical(text, text)
            }
        }
    )*};
}

integer_parts!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

macro_rules! encoded_parts {
    ($($(#[$feature:meta])? $part:ty),* $(,)?) => {$(
        $(#[$feature])?
        impl KeyPart for $part {
            fn write(&self, out: &mut KeyWriter) {
                write_display(self, out);
            }
            fn parse(text: &str) -> Result<Self, ParseKeyError> {
                canonical(text, &decode(text)?)
            }
        }
    )*};
}

encoded_parts!(
    char,
    Ipv6Addr,
    IpAddr,
    #[cfg(feature = "chrono")]
    chrono::NaiveTime,
);

#[cfg(feature = "chrono")]
impl KeyPart for chrono::NaiveDateTime {
    fn write(&self, out: &mut KeyWriter) {
        // `Debug` is ISO 8601, which `FromStr` reads; `Display` is not.
        write_display(&format_args!("{self:?}"), out);
    }
    fn parse(text: &str) -> Result<Self, ParseKeyError> {
        canonical(text, &decode(text)?)
    }
}

#[cfg(feature = "chrono")]
impl KeyPart for chrono::DateTime<chrono::Utc> {
    fn write(&self, out: &mut KeyWriter) {
        self.naive_utc().write(out);
    }
    fn parse(text: &str) -> Result<Self, ParseKeyError> {
        chrono::NaiveDateTime::parse(text).map(|time| time.and_utc())
    }
}

macro_rules! string_parts {
    ($($string:ty),*) => {$(
        impl KeyPart for $string {
            fn write(&self, out: &mut KeyWriter) {
                out.push_part(self);
            }
            fn parse(text: &str) -> Result<Self, ParseKeyError> {
                decode(text).map(Into::into)
            }
        }
    )*};
}

string_parts!(String, Arc<str>, Box<str>, Cow<'static, str>);

/// Appends what `Display` shows as one encoded part.
fn write_display(value: &dyn fmt::Display, out: &mut KeyWriter) {
    struct Encode<'a>(&'a mut KeyWriter);
    impl fmt::Write for Encode<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_part(text);
            Ok(())
        }
    }
    if write!(Encode(out), "{value}").is_err() {
        out.fail();
    }
}

/// Undoes the percent-encoding of a part.
fn decode(text: &str) -> Result<String, ParseKeyError> {
    let error = || ParseKeyError::new(text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(error)?;
        let digits = std::str::from_utf8(digits).map_err(|_| error())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| error())?);
        rest = after;
    }
    let decoded = String::from_utf8(bytes).map_err(|_| error())?;
    is_canonical(text, &decoded)
        .then_some(decoded)
        .ok_or_else(error)
}

/// Parses what was decoded from `text`, and refuses a spelling that `write` would not have made,
/// such as `007`.
fn canonical<P: KeyPart + FromStr>(text: &str, decoded: &str) -> Result<P, ParseKeyError> {
    let part: P = decoded.parse().map_err(|_| ParseKeyError::new(text))?;
    let mut writer = KeyWriter::unbounded();
    part.write(&mut writer);
    (writer.text() == text)
        .then_some(part)
        .ok_or_else(|| ParseKeyError::new(text))
}

/// One value has one text: what `write` would not have made is refused.
fn is_canonical(text: &str, decoded: &str) -> bool {
    if !decoded.chars().any(needs_encoding) {
        return text == decoded;
    }
    let mut writer = KeyWriter::unbounded();
    writer.push_part(decoded);
    writer.text() == text
}

/// Splits the text of a composite key into its parts.
pub(crate) fn split<const N: usize>(text: &str) -> Result<[&str; N], ParseKeyError> {
    let mut parts = text.split(':');
    let array = std::array::from_fn(|_| parts.next());
    if array.iter().any(Option::is_none) || parts.next().is_some() {
        return Err(ParseKeyError::new(text));
    }
    Ok(array.map(Option::unwrap_or_default))
}

/// Shows a composite key as the text of its parts, however long they are.
pub(crate) fn join_fmt(key: &impl KeyPart, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut writer = KeyWriter::unbounded();
    key.write(&mut writer);
    f.pad(&writer.text())
}
