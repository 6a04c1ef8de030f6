//! The typed front of a call of many keys.

use crate::engine::provenance::Overrides;
use crate::engine::{Answer, Ask, Engine, Loaded, ManyLanding, Peeked, Read, Run, Says};
use crate::entity::CacheEntity;
use crate::entity::shape::Erased;
use crate::store::Soon;
use foldhash::{HashMap, HashMapExt};
use smallvec::SmallVec;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The typed front of a call of many keys.
pub(crate) struct Batch<'e, T: CacheEntity> {
    read: Box<Read<'e>>,
    /// What the user calls the keys, each once.
    ids: Vec<T::Key>,
    /// Which of them was asked for, in the order of the call.
    order: Vec<usize>,
}

/// The entities that a load of many keys brought, and what it says of them.
pub(crate) type Brought<T> = Vec<(Arc<T>, Overrides)>;

impl<'e, T: CacheEntity> Batch<'e, T> {
    /// Begins a call that asks for each key once.
    pub(crate) fn new(engine: &'e Arc<Engine>, ask: Ask, keys: &[T::Key]) -> Self {
        let mut read = Box::new(Read::new(engine, ask));
        let declared = read.declared();
        let (mut ids, mut order) = (Vec::new(), Vec::with_capacity(keys.len()));
        let mut known: HashMap<&T::Key, usize> = HashMap::with_capacity(keys.len());
        for id in keys {
            let at = *known.entry(id).or_insert(ids.len());
            if at == ids.len() {
                let mut key = engine.writer(T::cache_prefix());
                T::write_key(id, &mut key);
                read.push(&declared, key.to_key(), Peeked::default());
                ids.push(id.clone());
            }
            order.push(at);
        }
        Self { read, ids, order }
    }

    /// Goes on until there is something to load; `false` if there is not.
    pub(crate) fn next(&mut self) -> Soon<'_, bool> {
        self.read.next_in_span()
    }

    /// The keys that are to be loaded.
    pub(crate) fn missing(&self) -> Vec<T::Key> {
        let missing = self.read.to_load();
        missing.map(|at| self.ids[at].clone()).collect()
    }

    pub(crate) fn run<'t, F>(&'t mut self, body: Pin<&'t mut F>) -> Run<'t, 'e, F>
    where
        F: Future + ?Sized,
    {
        self.read.run(body)
    }

    /// Gives each key that was to be loaded its own of what came.
    pub(crate) fn loaded(
        &self,
        brought: Brought<T>,
        mut failures: HashMap<T::Key, Loaded>,
        unless: Option<fn(&T) -> bool>,
    ) -> SmallVec<[Loaded; 1]> {
        let brought = brought.into_iter();
        let mut found: HashMap<_, _> = brought
            .map(|(entity, terms)| (entity.cache_key(), (entity, terms)))
            .collect();
        let loaded = self.read.to_load().map(|at| {
            let id = &self.ids[at];
            if let Some(failed) = failures.remove(id) {
                return failed;
            }
            match found.remove(id) {
                Some((entity, terms)) => {
                    let is_unwanted = unless.is_some_and(|unless| unless(&entity));
                    Loaded::Value(entity, Says { terms, is_unwanted })
                }
                None => Loaded::Absent(Says::default()),
            }
        });
        loaded.collect()
    }

    /// The same for each key that was to be loaded.
    pub(crate) fn all(&self, loaded: impl Fn() -> Loaded) -> SmallVec<[Loaded; 1]> {
        self.read.to_load().map(|_| loaded()).collect()
    }

    pub(crate) fn has_fallback(&self) -> bool {
        self.read.has_fallback()
    }

    /// Stores what came, and tells everyone who waits for it.
    pub(crate) fn land(&mut self, loaded: SmallVec<[Loaded; 1]>) -> Soon<'_, ManyLanding> {
        self.read.land_in_span(loaded)
    }

    /// The first failure that ends the call.
    pub(crate) fn failure(&self) -> Option<&Answer> {
        let mut answers = (0..self.ids.len()).filter_map(|at| self.read.answer(at));
        answers.find(|answer| answer.is_failure())
    }

    /// What came of each key that was asked for, in the order of the call.
    pub(crate) fn answers(&self) -> impl Iterator<Item = Option<&Answer>> {
        self.order.iter().map(|at| self.read.answer(*at))
    }

    /// The entity of each key that was asked for, where there is one.
    pub(crate) fn entities(&self) -> impl Iterator<Item = Option<Arc<T>>> {
        self.answers().map(|answer| match answer {
            Some(Answer::Value(value, _)) => entity_of(value),
            _ => None,
        })
    }
}

fn entity_of<T: CacheEntity>(value: &Erased) -> Option<Arc<T>> {
    Arc::clone(value).downcast().ok()
}
