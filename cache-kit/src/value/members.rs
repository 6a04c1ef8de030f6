//! What is known of what is within a value: entities have tags and rules of their own.

use super::Storable;
use crate::entity::CacheEntity;
use crate::error::Result;
use crate::schema::CacheSchema;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

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

impl<T: CacheEntity> Listed for Vec<T> {
    type Entity = T;

    fn members(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }

    fn rest(&self) -> usize {
        size_of::<Self>()
    }
}

impl<K, T, S> Listed for HashMap<K, T, S>
where
    K: Storable + Eq + Hash,
    T: CacheEntity,
    S: BuildHasher + Default + Clone + Send + Sync + 'static,
{
    type Entity = T;

    fn members(&self) -> impl Iterator<Item = &T> {
        self.values()
    }

    fn rest(&self) -> usize {
        size_of::<Self>() + self.len() * size_of::<K>()
    }
}

impl<K: Storable + Ord, T: CacheEntity> Listed for BTreeMap<K, T> {
    type Entity = T;

    fn members(&self) -> impl Iterator<Item = &T> {
        self.values()
    }

    fn rest(&self) -> usize {
        size_of::<Self>() + self.len() * size_of::<K>()
    }
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
