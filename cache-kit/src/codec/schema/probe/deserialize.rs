//! What a type may ask a probe for.

use super::access::{Entries, Variant};
use super::{LENGTHS, Probe, Stop, TEXTS};
use serde::de::{Deserializer, Visitor};

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
