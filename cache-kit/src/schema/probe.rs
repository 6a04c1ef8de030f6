//! A deserializer that has no input: it makes up what it is asked for, and notes what that was.

use super::explore::{Choices, Path, Seen};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// How often a type may be within itself before that is called recursion: once, for `Page<Page<T>>` is none.
const NESTING: usize = 2;

/// No type that is not recursive is deeper.
const DEPTH: usize = 64;

/// Texts that types which parse theirs may take.
const TEXTS: &[&str] = &[
    "",
    "a",
    "0",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "a@example.com",
    "https://example.com/",
    "EUR",
    "en",
    "UTC",
    "P1D",
    "1.0.0",
];

/// Lengths that types which are bytes may take.
const LENGTHS: &[usize] = &[0, 1, 4, 8, 12, 16, 20, 32, 64];

/// One run.
pub(super) struct Probe<'s> {
    choices: &'s Choices,
    seen: &'s mut Seen,
    path: Path,
    /// The named types that are being read, from the outermost in, told apart by where the names of their parts are.
    within: Vec<(&'static str, *const &'static str)>,
    /// The choices that enclose what is being read.
    open: Vec<Choice>,
    last: Option<Leaf>,
    is_recursive: bool,
}

#[derive(Clone)]
struct Choice {
    path: Path,
    taken: u32,
    of: u32,
}

/// The value that was made up last, and what enclosed it: the suspect, when the type takes no more.
struct Leaf {
    choice: Choice,
    open: Vec<Choice>,
}

/// What to do otherwise in the next run.
pub(super) struct Refused {
    pub(super) path: Path,
    pub(super) next: u32,
}

#[derive(Debug)]
pub(super) struct Stop;

impl<'s> Probe<'s> {
    pub(super) fn new(choices: &'s Choices, seen: &'s mut Seen) -> Self {
        Self {
            choices,
            seen,
            path: Path::new(),
            within: Vec::new(),
            open: Vec::new(),
            last: None,
            is_recursive: false,
        }
    }

    /// Says what might help after a run that failed: another value in the last place, else less of what encloses it.
    pub(super) fn refused(&mut self) -> Option<Refused> {
        let (suspect, open) = match self.last.take() {
            Some(leaf) if !self.is_recursive => (Some(leaf.choice), leaf.open),
            _ => (None, std::mem::take(&mut self.open)),
        };
        if let Some(leaf) = suspect {
            if leaf.taken + 1 < leaf.of {
                return Some(leaf.next());
            }
            self.seen
                .tokens
                .entry(leaf.path)
                .or_default()
                .push_str(" opaque");
        }
        let enclosing = open
            .into_iter()
            .rev()
            .find(|choice| choice.taken + 1 < choice.of);
        enclosing.map(Choice::next)
    }

    fn note(&mut self, token: impl FnOnce() -> String) {
        if !self.seen.tokens.contains_key(&self.path) {
            self.seen.tokens.insert(self.path.clone(), token());
        }
    }

    /// Takes the decision that is due here.
    fn choose(&self, of: usize) -> Choice {
        Choice {
            path: self.path.clone(),
            taken: self.choices.get(&self.path).copied().unwrap_or(0),
            of: u32::try_from(of).unwrap_or(u32::MAX),
        }
    }

    /// Reads a value that is made up; returns which one.
    fn leaf(&mut self, name: &str, of: usize) -> usize {
        self.note(|| name.to_owned());
        let choice = self.choose(of);
        let taken = choice.taken;
        self.last = Some(Leaf {
            choice,
            open: self.open.clone(),
        });
        taken as usize
    }

    /// Reads what is below, at a place of its own.
    fn below<R>(&mut self, place: u32, read: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(place);
        let result = read(self);
        self.path.pop();
        result
    }

    /// Reads what may be there or not, or be one of several.
    fn chosen<R>(
        &mut self,
        of: usize,
        read: impl FnOnce(&mut Self, u32) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let choice = self.choose(of);
        let taken = choice.taken;
        self.open.push(choice);
        let result = read(self, taken);
        // A failure is looked into later: what encloses it is then still known.
        if result.is_ok() {
            self.open.pop();
        }
        result
    }

    /// Reads a type with a name, unless it is within itself once too often.
    fn named<R>(
        &mut self,
        name: &'static str,
        parts: &'static [&'static str],
        read: impl FnOnce(&mut Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let id = (name, parts.as_ptr());
        let nesting = self.within.iter().filter(|outer| **outer == id).count();
        if nesting >= NESTING || self.path.len() > DEPTH {
            self.note(|| format!("^{name}"));
            self.is_recursive = true;
            return Err(Stop);
        }
        self.note(|| format!("{name}{parts:?}"));
        self.within.push(id);
        let result = read(self);
        self.within.pop();
        result
    }

    fn parts<'de, V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Parts {
            probe: self,
            at: 0,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }
}

impl Choice {
    fn next(self) -> Refused {
        Refused {
            path: self.path,
            next: self.taken + 1,
        }
    }
}

macro_rules! made_up {
    ($($method:ident $visit:ident $name:literal [$($value:expr),*];)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            let values = [$($value),*];
            let taken = self.leaf($name, values.len());
            visitor.$visit(values[taken.min(values.len() - 1)])
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Probe<'_> {
    type Error = Stop;

    made_up! {
        deserialize_bool visit_bool "bool" [false, true];
        deserialize_i8 visit_i8 "i8" [1, 0, -1];
        deserialize_i16 visit_i16 "i16" [1, 0, -1];
        deserialize_i32 visit_i32 "i32" [1, 0, -1];
        deserialize_i64 visit_i64 "i64" [1, 0, -1];
        deserialize_i128 visit_i128 "i128" [1, 0, -1];
        deserialize_u8 visit_u8 "u8" [1, 0];
        deserialize_u16 visit_u16 "u16" [1, 0];
        deserialize_u32 visit_u32 "u32" [1, 0];
        deserialize_u64 visit_u64 "u64" [1, 0];
        deserialize_u128 visit_u128 "u128" [1, 0];
        deserialize_f32 visit_f32 "f32" [1.0, 0.0];
        deserialize_f64 visit_f64 "f64" [1.0, 0.0];
        deserialize_char visit_char "char" ['a', '0'];
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let taken = self.leaf("str", TEXTS.len());
        visitor.visit_str(TEXTS.get(taken).copied().unwrap_or_default())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let taken = self.leaf("bytes", LENGTHS.len());
        visitor.visit_bytes(&vec![0; LENGTHS.get(taken).copied().unwrap_or_default()])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_bytes(visitor)
    }

    /// A type that takes what comes says nothing of itself.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.leaf("any", 5) {
            0 => visitor.visit_unit(),
            1 => visitor.visit_u64(1),
            2 => visitor.visit_str(""),
            3 => self.parts(0, visitor),
            _ => visitor.visit_map(Entries {
                probe: self,
                is_left: false,
            }),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.note(|| "option".to_owned());
        self.chosen(2, |probe, is_none| match is_none {
            0 => probe.below(0, |probe| visitor.visit_some(probe)),
            _ => visitor.visit_none(),
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.note(|| "unit".to_owned());
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.note(|| format!("unit {name}"));
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named(name, &[], |probe| {
            probe.below(0, |probe| visitor.visit_newtype_struct(probe))
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.note(|| "seq".to_owned());
        self.chosen(2, |probe, is_empty| {
            probe.parts(usize::from(is_empty == 0), visitor)
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.note(|| format!("tuple {len}"));
        self.parts(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named(name, &[], |probe| {
            probe.below(0, |probe| {
                probe.note(|| format!("tuple {len}"));
                probe.parts(len, visitor)
            })
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.note(|| "map".to_owned());
        self.chosen(2, |probe, is_empty| {
            visitor.visit_map(Entries {
                probe,
                is_left: is_empty == 0,
            })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named(name, fields, |probe| probe.parts(fields.len(), visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let is_new = !self.seen.tokens.contains_key(&self.path);
        self.named(name, variants, |probe| {
            if is_new {
                for variant in (1..).take(variants.len().saturating_sub(1)) {
                    let mut choices = probe.choices.clone();
                    choices.insert(probe.path.clone(), variant);
                    probe.seen.waiting.push_back(choices);
                }
            }
            probe.chosen(variants.len(), |probe, variant| {
                probe.below(variant, |probe| {
                    visitor.visit_enum(Variant { probe, variant })
                })
            })
        })
    }

    /// The name of a variant or field; only variants ask, for structs are read as sequences.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Parts<'p, 's> {
    probe: &'p mut Probe<'s>,
    at: u32,
    count: u32,
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        if self.at == self.count {
            return Ok(None);
        }
        let at = self.at;
        self.at += 1;
        self.probe
            .below(at, |probe| seed.deserialize(probe))
            .map(Some)
    }
}

struct Entries<'p, 's> {
    probe: &'p mut Probe<'s>,
    is_left: bool,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Stop;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        if !std::mem::take(&mut self.is_left) {
            return Ok(None);
        }
        self.probe
            .below(0, |probe| seed.deserialize(probe))
            .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Stop> {
        self.probe.below(1, |probe| seed.deserialize(probe))
    }
}

struct Variant<'p, 's> {
    probe: &'p mut Probe<'s>,
    variant: u32,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Stop> {
        let index = serde::de::value::U32Deserializer::new(self.variant);
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.probe.note(|| "unit".to_owned());
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Stop> {
        self.probe.note(|| "newtype".to_owned());
        self.probe.below(0, |probe| seed.deserialize(probe))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.probe.note(|| format!("tuple {len}"));
        self.probe.parts(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.probe.note(|| format!("struct {fields:?}"));
        self.probe.parts(fields.len(), visitor)
    }
}

impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Stop {}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing that can be made up fits")
    }
}
