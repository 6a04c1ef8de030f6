//! Look-ups by an index: first where the entity is, then the entity.
//!
//! What a load brings is stored if its key was known before: a value is never stored under a key
//! that was not opened. So the first load by an index tells where the entity is, and the next one,
//! by whichever key, stores it.

use super::ask::{Answer, Ask, Loaded, Says, Subject, Takes};
use super::item::Peeked;
use super::read::Read;
use super::turn::Turn;
use super::{Engine, Kind, Run};
use crate::engine::provenance::Provenance;
use crate::entity::shape::Erased;
use crate::error::Result;
use crate::key::{CacheKey, KeyWriter};
use crate::observe::{CacheEvent, InvalidationSource};
use crate::store::Lookup;
use crate::store::Soon;
use crate::strategy::CacheStrategy;
use crate::ttl::Lifetime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How many times longer than an entity it is remembered where it is.
const HINTS_OUTLIVE: u32 = 10;

/// An index, as data. A *hint* is the text of an entity's key, kept under the index' key.
pub(crate) struct IndexKind {
    pub(crate) hints: &'static Kind,
    pub(crate) entities: &'static Kind,
    /// Builds a hint.
    pub(crate) hint: fn(String) -> Erased,
    /// Returns the text that a hint holds.
    pub(crate) text: fn(&Erased) -> Option<Arc<String>>,
    /// Writes the field of an entity that the index is over; `false` if it has none.
    pub(crate) write_field: fn(&Erased, &mut KeyWriter) -> bool,
}

/// A look-up by an index.
pub(crate) struct ByIndex<'e> {
    engine: &'e Arc<Engine>,
    index: &'static IndexKind,
    /// What is asked of the entity.
    ask: Ask,
    /// The key of the index.
    asked: KeyWriter,
}

/// The right and the duty to load what an index asks for. Dropped, it hands over.
pub struct IndexTurn<'e> {
    turn: Turn<'e>,
    by: Box<ByIndex<'e>>,
    loads: Loads,
}

/// What the caller's load is to the others that wait for it.
enum Loads {
    /// The entity under the key that a hint tells.
    At(Arc<String>),
    /// Where the entity is.
    Hint,
    /// Nobody waits for it.
    Beside,
}

/// How far a step came.
enum Found<'e> {
    Answer(Answer),
    Load(Turn<'e>, Loads),
    /// The entity is not where it should be, or nothing tells where.
    Lost,
}

impl Engine {
    /// Says whether an entity is the one that an index' key asks for.
    pub(crate) fn is_found(&self, index: &IndexKind, entity: &Erased, asked: &KeyWriter) -> bool {
        let mut own = self.writer(index.hints.prefix());
        (index.write_field)(entity, &mut own) && own.text() == asked.text()
    }

    /// The key that a hint tells.
    pub(crate) fn key_at(&self, kind: &Kind, hint: &str) -> KeyWriter {
        let mut key = self.writer(kind.prefix());
        key.push(hint);
        key
    }
}

impl<'e> ByIndex<'e> {
    pub(crate) fn new(
        engine: &'e Arc<Engine>,
        index: &'static IndexKind,
        ask: Ask,
        asked: KeyWriter,
    ) -> Box<Self> {
        Box::new(Self {
            engine,
            index,
            ask,
            asked,
        })
    }

    /// Says by which tags what is loaded can be dropped.
    pub(crate) fn tag(&mut self, tags: Vec<String>) {
        self.ask.set_tags(tags);
    }

    /// Goes on until the call is answered, or the caller's to load.
    pub(crate) fn begin(self: Box<Self>) -> Soon<'e, Result<IndexTurn<'e>, Answer>> {
        Soon::later(self.run())
    }

    async fn run(self: Box<Self>) -> Result<IndexTurn<'e>, Answer> {
        let found = match self.find().await {
            Found::Lost => self.load_beside().await,
            found => found,
        };
        match found {
            Found::Answer(answer) => Err(answer),
            Found::Load(turn, loads) => Ok(IndexTurn {
                turn,
                by: self,
                loads,
            }),
            Found::Lost => unreachable!("what is loaded beside the cache is not lost"),
        }
    }

    async fn find(&self) -> Found<'e> {
        if self.ask.strategy == CacheStrategy::Bypass {
            return Found::Lost;
        }
        let hint = match self.hint().await {
            Ok(hint) => hint,
            Err(answer) => return Found::Answer(answer),
        };
        let is_outdated = hint.is_some();
        if let Some(hint) = hint {
            match self.read_at(hint).await {
                Found::Lost => {}
                found => return found,
            }
        }
        if self.ask.strategy == CacheStrategy::Fresh {
            return Found::Answer(Answer::Missed);
        }
        self.locate(is_outdated).await
    }

    /// Where the entity was last found. `Invalidate` drops it from there.
    async fn hint(&self) -> Result<Option<Arc<String>>, Answer> {
        let (engine, hints) = (self.engine, self.index.hints);
        let declared = engine.declare(hints, self.hint_lifetime());
        let Ok(key) = declared.and_then(|()| self.asked.to_key()) else {
            return Ok(None);
        };
        let is_strict = engine.is_strict() && self.ask.takes.errors;
        let found = engine.read(hints, std::slice::from_ref(&key)).await.pop();
        let hint = match found {
            Some(Ok(Lookup::Hit { value, .. })) => (self.index.text)(&value),
            Some(Err(error)) if is_strict => return Err(Answer::Broken(error)),
            _ => None,
        };
        let (prefix, tier) = (hints.prefix(), engine.tier());
        engine.record(&match hint {
            Some(_) => CacheEvent::Hit { prefix, tier },
            None => CacheEvent::Miss { prefix, tier },
        });
        if self.ask.strategy != CacheStrategy::Invalidate {
            return Ok(hint);
        }
        let source = InvalidationSource::Strategy;
        let mut dropped = engine.drop_entries(prefix, &[key], source).await;
        if let Some(hint) = hint {
            dropped = dropped.and(self.drop_at(&hint).await);
        }
        match dropped {
            Err(error) if is_strict => Err(Answer::Broken(error)),
            _ => Ok(None),
        }
    }

    /// Drops an entity.
    async fn drop_at(&self, hint: &str) -> Result<()> {
        let entities = self.index.entities;
        let key = self.engine.key_at(entities, hint).to_key()?;
        let (prefix, source) = (entities.prefix(), InvalidationSource::Strategy);
        self.engine.drop_entries(prefix, &[key], source).await
    }

    /// Reads the entity where it should be, or has it loaded there.
    async fn read_at(&self, hint: Arc<String>) -> Found<'e> {
        let ask = Ask {
            strategy: match self.ask.strategy {
                CacheStrategy::Invalidate => CacheStrategy::Refresh,
                strategy => strategy,
            },
            ..self.step(self.index.entities)
        };
        let key = self.engine.key_at(self.index.entities, &hint).to_key();
        let answer = match self.step_with(ask, key).await {
            Ok(mut turn) => {
                // What is stale serves if it is what the index asks for.
                turn.keep_fallback_if(|entity| {
                    self.engine.is_found(self.index, entity, &self.asked)
                });
                return Found::Load(turn, Loads::At(hint));
            }
            Err(answer) => answer,
        };
        let is_found = match &answer {
            Answer::Value(entity, _) => self.engine.is_found(self.index, entity, &self.asked),
            Answer::Absent(_) | Answer::Missed => false,
            Answer::Failed(_) | Answer::Refused(_) | Answer::Broken(_) => true,
        };
        if is_found {
            Found::Answer(answer)
        } else {
            Found::Lost
        }
    }

    /// Has the entity loaded to find out where it is. A caller that waits for another's load is
    /// told that only, and reads the entity there.
    async fn locate(&self, is_outdated: bool) -> Found<'e> {
        let mut ask = Ask {
            strategy: if is_outdated {
                CacheStrategy::Invalidate
            } else {
                CacheStrategy::Refresh
            },
            brings_tags: false,
            subject: Subject::Hint,
            ..self.step(self.index.hints)
        };
        ask.set_lifetime(self.hint_lifetime());
        match self.step_with(ask, self.asked.to_key()).await {
            Ok(turn) => Found::Load(turn, Loads::Hint),
            Err(Answer::Value(hint, _)) => match (self.index.text)(&hint) {
                Some(hint) => self.read_at(hint).await,
                None => Found::Lost,
            },
            Err(Answer::Absent(_)) if self.ask.takes.absent => {
                Found::Answer(Answer::Absent(Provenance::SHARED))
            }
            Err(Answer::Absent(_) | Answer::Missed) => Found::Lost,
            Err(failed) => Found::Answer(failed),
        }
    }

    /// Has the entity loaded past all flights; nothing is stored.
    async fn load_beside(&self) -> Found<'e> {
        let ask = Ask {
            strategy: CacheStrategy::Bypass,
            ..self.ask.clone()
        };
        match self.step_with(ask, self.asked.to_key()).await {
            Ok(turn) => Found::Load(turn, Loads::Beside),
            Err(answer) => Found::Answer(answer),
        }
    }

    async fn step_with(&self, ask: Ask, key: Result<CacheKey>) -> Result<Turn<'e>, Answer> {
        let read = Read::of_one(self.engine, ask, key, Peeked::default());
        Turn::of(Box::new(read), None).await
    }

    /// What one step asks. It can always take "there is none".
    fn step(&self, kind: &'static Kind) -> Ask {
        Ask {
            kind,
            takes: Takes {
                absent: true,
                ..self.ask.takes
            },
            ..self.ask.clone()
        }
    }

    /// How long it is remembered where the entity is: longer than the entity, of which it says
    /// nothing else.
    fn hint_lifetime(&self) -> Lifetime {
        let declared = self
            .engine
            .declared(self.index.entities, self.ask.lifetime());
        let ttl = declared.ttl();
        // A hint is right or wrong, and never stale.
        ttl.map_or(Lifetime::new(), |ttl| {
            Lifetime::from(ttl.saturating_mul(HINTS_OUTLIVE))
        })
        .with_stale_while_revalidate(Duration::ZERO)
        .with_stale_if_error(Duration::ZERO)
        .with_early_refresh(0.0)
    }

    /// Drops a hint that has led to another entity, or to none.
    async fn forget(&self) {
        if let Ok(key) = self.asked.to_key() {
            let (prefix, source) = (self.index.hints.prefix(), InvalidationSource::Call);
            // What is not told to the store is owed by it, and the hint is checked whenever it is
            // used.
            let _ = self.engine.drop_entries(prefix, &[key], source).await;
        }
    }
}

impl<'e> IndexTurn<'e> {
    /// Stores what came, or where it is, and tells everyone who waits for that. `Some` is what the
    /// caller returns in place of what its body returned.
    pub(crate) fn land(self, loaded: Option<Loaded>) -> Soon<'e, Option<Answer>> {
        Soon::later(self.finish(loaded))
    }

    /// Polls the body as the load of what is asked for; `None` if it takes longer than it may.
    pub fn run<'t, F>(&'t mut self, body: Pin<&'t mut F>) -> Run<'t, 'e, F>
    where
        F: Future + ?Sized,
    {
        self.turn.run(body)
    }

    /// Whether a fallback hides how the load fails.
    pub(crate) fn has_fallback(&self) -> bool {
        self.turn.has_fallback()
    }

    async fn finish(self, loaded: Option<Loaded>) -> Option<Answer> {
        let Self { turn, by, loads } = self;
        let entity = match &loaded {
            Some(Loaded::Value(entity, _)) => Some(Arc::clone(entity)),
            _ => None,
        };
        match loads {
            Loads::Beside => turn.land(loaded).await,
            Loads::At(hint) => by.land_at(turn, &hint, entity, loaded).await,
            Loads::Hint => by.land_hint(turn, entity, loaded).await,
        }
    }
}

impl<'e> ByIndex<'e> {
    async fn land_at(
        &self,
        turn: Turn<'e>,
        hint: &str,
        entity: Option<Erased>,
        loaded: Option<Loaded>,
    ) -> Option<Answer> {
        let kind = self.index.entities;
        // Another entity, or none, is of no use to who else asks for the one under this key.
        let is_elsewhere = match &loaded {
            Some(Loaded::Value(entity, _)) => kind.key_text(entity) != hint,
            Some(Loaded::Absent(_)) => true,
            _ => false,
        };
        if is_elsewhere {
            turn.land(Some(Loaded::Elsewhere)).await;
            self.forget().await;
            return self.refused(entity.as_ref());
        }
        turn.land(loaded).await
    }

    async fn land_hint(
        &self,
        turn: Turn<'e>,
        entity: Option<Erased>,
        loaded: Option<Loaded>,
    ) -> Option<Answer> {
        let kind = self.index.entities;
        let text = entity.as_ref().map(|entity| kind.key_text(entity));
        let hint = match (loaded, &text) {
            (Some(Loaded::Value(..)), Some(text)) => Some(Loaded::Value(
                (self.index.hint)(text.clone()),
                Says::default(),
            )),
            // Absence is not remembered: who makes the entity knows its key, and not what was
            // looked for.
            (Some(Loaded::Absent(says)), _) => Some(Loaded::Absent(Says {
                is_unwanted: true,
                ..says
            })),
            (loaded, _) => loaded,
        };
        let answer = turn.land(hint).await;
        if let (CacheStrategy::Invalidate, Some(text)) = (self.ask.strategy, &text) {
            // It was not known before what `Invalidate` was about. A store that cannot be told
            // owes it.
            let _ = self.drop_at(text).await;
        }
        match answer {
            Some(answer) if answer.is_failure() => Some(answer),
            _ => self.refused(entity.as_ref()),
        }
    }

    /// Refuses an entity that is not valid, where the output can say so.
    fn refused(&self, entity: Option<&Erased>) -> Option<Answer> {
        let checked = self.index.entities.check(entity?);
        let error = checked.err().filter(|_| self.ask.takes.errors)?;
        Some(Answer::Refused(error))
    }
}

impl std::fmt::Debug for IndexTurn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexTurn").finish_non_exhaustive()
    }
}
