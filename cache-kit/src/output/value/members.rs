//! What is known of what is within a value: entities have tags and rules of their own.

use super::Storable;
use crate::codec::schema::CacheSchema;
use crate::entity::CacheEntity;
use crate::error::Result;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// What is known of what is within a value.
pub trait Within<V>: 'static {
    const TAGGED: bool;
    fn tags(value: &V) -> Vec<String>;
    fn validate(value: &V) -> Result<()>;
    fn weight(value: &V) -> usize;
    fn schema() -> CacheSchema;
}

/// Nothing.
pub struct Apart;

impl<V: Storable> Within<V> for Apart {
    const TAGGED: bool = false;

    fn tags(_: &V) -> Vec<String> {
        Vec::new()
    }

    fn validate(_: &V) -> Result<()> {
        Ok(())
    }

    fn weight(_: &V) -> usize {
        size_of::<V>()
    }

    fn schema() -> CacheSchema {
        CacheSchema::of::<V>()
    }
}

/// An entity in a list.
pub trait Member {
    type Entity: CacheEntity;
    fn entity(&self) -> &Self::Entity;
}

impl<T: CacheEntity> Member for T {
    type Entity = T;

    fn entity(&self) -> &T {
        self
    }
}

impl<T: CacheEntity> Member for Arc<T> {
    type Entity = T;

    fn entity(&self) -> &T {
        self
    }
}

/// An entity, or entities.
pub trait Listed: Storable {
    type Entity: CacheEntity;
    fn members(&self) -> impl Iterator<Item = &Self::Entity>;
    /// What of it is no entity, in bytes.
    fn rest(&self) -> usize;
}

impl<T: CacheEntity> Listed for T {
    type Entity = T;

    fn members(&self) -> impl Iterator<Item = &T> {
        std::iter::once(self)
    }

    fn rest(&self) -> usize {
        0
    }
}

macro_rules! listed {
    ($([$($generics:tt)*] $list:ty, $part:ty, $members:ident;)*) => {$(
        impl<$($generics)*> Listed for $list
        where
            $list: Storable,
        {
            type Entity = M::Entity;

            fn members(&self) -> impl Iterator<Item = &M::Entity> {
                self.$members().map(Member::entity)
            }

            fn rest(&self) -> usize {
                size_of::<Self>() + self.len() * size_of::<$part>()
            }
        }
    )*};
}

listed! {
    [M: Member] Vec<M>, (), iter;
    [M: Member] VecDeque<M>, (), iter;
    [M: Member] Box<[M]>, (), iter;
    [K, M: Member, S] HashMap<K, M, S>, K, values;
    [K, M: Member] BTreeMap<K, M>, K, values;
}

/// Entities: their tags are the value's, and each must be valid.
pub struct Members;

impl<V: Listed> Within<V> for Members {
    const TAGGED: bool = V::Entity::TAGGED;

    fn tags(value: &V) -> Vec<String> {
        let mut tags: Vec<String> = value.members().flat_map(CacheEntity::cache_tags).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn validate(value: &V) -> Result<()> {
        value.members().try_for_each(CacheEntity::validate)
    }

    fn weight(value: &V) -> usize {
        value.rest() + value.members().map(CacheEntity::weight).sum::<usize>()
    }

    /// An entity may name its layout by hand, and its version.
    fn schema() -> CacheSchema {
        let entity = V::Entity::schema().version(V::Entity::VERSION);
        CacheSchema::of::<V>().and(entity)
    }
}
