//! The parts, entries and variants that a probe makes up.

use super::{Probe, Stop};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

pub(super) struct Parts<'p, 's> {
    pub(super) probe: &'p mut Probe<'s>,
    pub(super) at: u32,
    pub(super) count: u32,
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

pub(super) struct Entries<'p, 's> {
    pub(super) probe: &'p mut Probe<'s>,
    pub(super) is_left: bool,
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

pub(super) struct Variant<'p, 's> {
    pub(super) probe: &'p mut Probe<'s>,
    pub(super) variant: u32,
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
