//! After a load: what came is stored, and everyone who waits is told.

use super::ask::{Answer, Loaded, Says, Subject};
use super::item::{Known, Pass, Purpose, Task};
use super::read::Read;
use super::storing::fill_of;
use super::tags::{Fills, PendingFill};
use crate::engine::provenance::Provenance;
use crate::entity::shape::Erased;
use crate::error::Error;
use crate::flight::{Failure, Landing};
use crate::observe::{CacheEvent, LoadOutcome, Operation};
use crate::store::Entry;
use crate::ttl::Lifetime;
use smallvec::SmallVec;
use std::mem::take;
use std::slice::from_ref;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What a load came to for one key.
struct Result {
    task: Task,
    /// What everyone else on the flight is told; `None` if they cannot be told.
    landing: Option<Landing>,
    own: Own,
    fill: Option<PendingFill>,
}

/// How long what was loaded lives, once that has been asked.
enum Decided {
    NotAsked,
    /// `None`: it is not to be stored.
    So(Option<Lifetime>),
}

impl Decided {
    fn lifetime(&self) -> Option<Lifetime> {
        match self {
            Self::NotAsked => None,
            Self::So(lifetime) => *lifetime,
        }
    }
}

/// What the caller gets of its own load.
enum Own {
    /// What its body returned: this is what that is to the engine.
    Output(Option<Answer>),
    /// This, in place of what its body returned.
    Instead(Answer),
    /// Its fallback.
    Fallback,
}

/// How a load landed.
#[derive(Default)]
pub(crate) struct ManyLanding {
    /// Whether the body failed, and a key has no fallback.
    pub(crate) has_failed: bool,
}

impl Read<'_> {
    /// Lands the load of a call of one key; what is to be returned in place of what its body
    /// returned, if anything is.
    pub(crate) async fn land_one(&mut self, loaded: Option<Loaded>) -> Option<Answer> {
        let loaded = loaded.unwrap_or(Loaded::TooLate);
        let fault = self.fault_of(&loaded);
        self.report(from_ref(&loaded), from_ref(&fault));
        let task = self.take_loading().pop()?;
        let mut result = self.result_of(task, loaded, fault, &mut Decided::NotAsked);
        let mut fills: Fills = result.fill.take().into_iter().collect();
        let late = self.runtime_for_late_fill(&fills);
        if late.is_none() {
            let filled = self.engine.fill(self.kind(), take(&mut fills)).await;
            if let Some(Err(error)) = filled.into_iter().next() {
                self.unfilled(&mut result, error);
            }
        }
        let mut landed = Vec::new();
        self.conclude(result, late.as_ref().map(|_| &mut landed));
        if let Some(runtime) = late {
            self.engine.fill_late(&runtime, self.kind(), fills, landed);
        }
        self.take_answer()
    }

    /// Stores what was loaded, and tells everyone who waits for it. There is one thing for each key
    /// that was to be loaded, in that order.
    ///
    /// It is stored before its flight lands, so that nobody finds neither a flight nor an entry.
    /// Where the store is remote the flight lands first, and can be joined until it is stored.
    pub(crate) async fn land(&mut self, loaded: SmallVec<[Loaded; 1]>) -> ManyLanding {
        let faults: SmallVec<[Option<Error>; 1]> =
            loaded.iter().map(|loaded| self.fault_of(loaded)).collect();
        self.report(&loaded, &faults);
        let tasks = self.take_loading();
        let mut decided = Decided::NotAsked;
        let mut results: SmallVec<[Result; 1]> = SmallVec::with_capacity(tasks.len());
        for ((task, loaded), fault) in tasks.into_iter().zip(loaded).zip(faults) {
            results.push(self.result_of(task, loaded, fault, &mut decided));
        }
        let mut whose: SmallVec<[usize; 1]> = SmallVec::new();
        let mut fills = Fills::new();
        for (index, result) in results.iter_mut().enumerate() {
            if let Some(fill) = result.fill.take() {
                whose.push(index);
                fills.push(fill);
            }
        }
        let late = self.runtime_for_late_fill(&fills);
        if late.is_none() {
            let filled = self.engine.fill(self.kind(), take(&mut fills)).await;
            for (index, filled) in whose.into_iter().zip(filled) {
                if let Err(error) = filled {
                    self.unfilled(&mut results[index], error);
                }
            }
        }
        let mut landed = Vec::new();
        let mut keys = ManyLanding::default();
        for result in results {
            keys.has_failed |= self.conclude(result, late.as_ref().map(|_| &mut landed));
        }
        if let Some(runtime) = late {
            self.engine.fill_late(&runtime, self.kind(), fills, landed);
        }
        keys
    }

    /// Reports a load that is over.
    fn report(&mut self, loaded: &[Loaded], faults: &[Option<Error>]) {
        let outcome = self.outcome_of(loaded, faults);
        if let Some(surroundings) = self.surroundings.take() {
            surroundings.report.end(outcome);
        }
        if let LoadOutcome::TimedOut = outcome {
            let (kind, error) = (self.kind(), &Error::Timeout);
            self.engine.failed(kind, Operation::Load, error);
        }
    }

    /// Makes a failure to store what was loaded the call's, where failures of the cache are.
    fn unfilled(&self, result: &mut Result, error: Error) {
        if !self.is_strict() {
            return;
        }
        result.landing = Some(Landing::Broken(error.clone()));
        result.own = match result.own {
            // What is fresh is the answer, whatever the cache fails with.
            _ if self.items[result.task.item].purpose == Purpose::Ahead => Own::Fallback,
            Own::Fallback => Own::Fallback,
            _ => Own::Instead(Answer::Broken(error)),
        };
    }

    /// The runtime of a task that fills, where nobody has to know how that ends.
    fn runtime_for_late_fill(&self, fills: &[PendingFill]) -> Option<Handle> {
        let is_late = !fills.is_empty() && !self.is_strict() && self.engine.store.is_remote();
        is_late.then(Handle::try_current)?.ok()
    }

    /// What is wrong with a value that was loaded.
    fn fault_of(&self, loaded: &Loaded) -> Option<Error> {
        match loaded {
            Loaded::Value(value, _) => self.kind().check(value).err(),
            _ => None,
        }
    }

    /// How the load ended. A batch goes on with its other keys where one value is not valid.
    fn outcome_of(&self, loaded: &[Loaded], faults: &[Option<Error>]) -> LoadOutcome {
        let is = |test: fn(&Loaded) -> bool| loaded.iter().any(test);
        if is(|one| matches!(one, Loaded::TooLate)) {
            LoadOutcome::TimedOut
        } else if !self.ask.subject.is_many() && faults.iter().any(Option::is_some) {
            LoadOutcome::Failed
        } else if is(|one| matches!(one, Loaded::Value(..))) {
            LoadOutcome::Found
        } else if is(|one| matches!(one, Loaded::Failed { .. })) {
            LoadOutcome::Failed
        } else {
            LoadOutcome::Absent
        }
    }

    fn result_of(
        &mut self,
        mut task: Task,
        loaded: Loaded,
        fault: Option<Error>,
        decided: &mut Decided,
    ) -> Result {
        match (loaded, fault) {
            (Loaded::Value(value, _), Some(error)) => self.invalid(task, value, error),
            (Loaded::Value(value, says), None) => {
                let landing = Landing::Value(Arc::clone(&value));
                let answer = Answer::Value(Arc::clone(&value), Provenance::SHARED);
                self.success(task, Entry::Value(value), landing, answer, &says, decided)
            }
            (Loaded::Absent(says), _) => {
                let answer = Answer::Absent(Provenance::SHARED);
                self.success(task, Entry::Absent, Landing::Absent, answer, &says, decided)
            }
            (Loaded::Failed { failure, cause }, _) => {
                let own = match &failure {
                    Some(failure) if self.ask.subject == Subject::Each => {
                        Own::Instead(Answer::Failed(failure.clone()))
                    }
                    _ => Own::Output(None),
                };
                let landing = failure.map(Landing::Failed);
                self.failure(task, landing, cause.as_deref(), own)
            }
            (Loaded::Elsewhere, _) => Result {
                task,
                landing: None,
                own: Own::Output(None),
                fill: None,
            },
            (Loaded::TooLate, _)
                if self.items[task.item].purpose == Purpose::Ahead && !self.is_detached =>
            {
                // The caller's patience is over, and not the load's: who waits takes over.
                drop(task.lead.take());
                self.failure(task, None, None, Own::Output(None))
            }
            (Loaded::TooLate, _) => {
                let landing = Some(Landing::Failed(too_late()));
                let own = Own::Instead(Answer::Refused(Error::Timeout));
                self.failure(task, landing, None, own)
            }
        }
    }

    /// A value that is not valid: an error to outputs that can carry it, else what it is.
    fn invalid(&mut self, task: Task, value: Erased, error: Error) -> Result {
        self.engine.failed(self.kind(), Operation::Load, &error);
        let cause = error.to_string();
        let own = if self.ask.takes.errors {
            Own::Instead(Answer::Refused(error.clone()))
        } else {
            Own::Output(Some(Answer::Value(Arc::clone(&value), Provenance::SHARED)))
        };
        let landing = Some(Landing::Invalid(value, error));
        self.failure(task, landing, Some(&cause), own)
    }

    /// A load that failed. The caller has its fallback, where there is one.
    fn failure(
        &mut self,
        task: Task,
        landing: Option<Landing>,
        cause: Option<&str>,
        own: Own,
    ) -> Result {
        let item = &self.items[task.item];
        let own = if item.fallback.is_some() {
            if item.purpose != Purpose::Ahead {
                let (prefix, error) = (self.prefix(), cause);
                tracing::warn!(prefix, error, "a load failed, and what is stale serves");
            }
            Own::Fallback
        } else {
            own
        };
        Result {
            task,
            landing,
            own,
            fill: None,
        }
    }

    fn success(
        &mut self,
        mut task: Task,
        entry: Entry,
        landing: Landing,
        answer: Answer,
        says: &Says,
        decided: &mut Decided,
    ) -> Result {
        let item = &self.items[task.item];
        let is_stale = item.fallback.is_some() && item.purpose != Purpose::Ahead;
        if let (true, Some(key)) = (is_stale, &item.key) {
            self.engine.throttle.release(key);
        }
        let value = match &entry {
            Entry::Value(value) => Some(value),
            _ => None,
        };
        let pass = std::mem::replace(&mut task.pass, Pass::Denied);
        let fill = match pass {
            Pass::Opened(permit, _) if self.is_asked_for(task.item, value) => {
                let tags = self.engine.tags_of(self.kind(), value, &says.terms);
                // What is stored is older than what was loaded and is not to be.
                let entry = if says.is_unwanted { Entry::Gone } else { entry };
                // A policy is asked once, however many keys there are.
                if let Decided::NotAsked = decided {
                    *decided = Decided::So(self.decided_lifetime());
                }
                let decided = decided.lifetime();
                let fill = fill_of(permit, entry, decided, &says.terms, is_stale);
                fill.map(|fill| PendingFill::new(fill, self.snapshot.as_deref(), tags))
            }
            _ => None,
        };
        Result {
            task,
            landing: Some(landing),
            own: Own::Output(Some(answer)),
            fill,
        }
    }

    /// Says whether a value is the one of this key. Another one is not stored: an invalidation of
    /// it would not find it here. A batch gives each key its own.
    fn is_asked_for(&self, at: usize, value: Option<&Erased>) -> bool {
        let (Some(value), false) = (value, self.ask.subject.is_many() || !self.kind().is_keyed)
        else {
            return true;
        };
        let mut own = self.engine.writer(self.prefix());
        self.kind().write_key(value, &mut own);
        let asked = self.items[at].key.as_ref().map(|key| key.borrowed());
        let is_asked_for = asked.is_some_and(|asked| {
            let is_own = own.with_key(|own| own.as_bytes() == asked.as_bytes());
            is_own.unwrap_or(false)
        });
        if !is_asked_for {
            let fault = "an entity was loaded under a key that is not its own, and is not stored";
            let error = Error::ConfigError(fault.into());
            self.engine.failed(self.kind(), Operation::Fill, &error);
        }
        is_asked_for
    }

    /// How long what this call loads lives; `None` if it is not to be stored.
    pub(super) fn decided_lifetime(&self) -> Option<Lifetime> {
        let Self { engine, ask, .. } = self;
        let class = ask.ttl_class();
        engine.lifetime(ask.kind, ask.lifetime(), ask.strategy, class)
    }

    /// Answers the key, and tells everyone on its flight; `true` if the call's own load is its
    /// failure.
    fn conclude(&mut self, result: Result, late: Option<&mut Vec<crate::flight::Landed>>) -> bool {
        let Result {
            task, landing, own, ..
        } = result;
        let at = task.item;
        let mut has_failed = false;
        match own {
            Own::Fallback => {
                self.fall_back_after_failure(at);
            }
            Own::Instead(answer) => self.answer_with(at, answer),
            Own::Output(answer) => {
                if self.items[at].purpose == Purpose::Ahead && !self.is_detached {
                    let tier = self.engine.tier();
                    self.record(|prefix| CacheEvent::Miss { prefix, tier });
                }
                has_failed = answer.is_none();
                if let Some(answer) = answer
                    && self.ask.subject.is_many()
                {
                    self.items[at].known = Known::Answer(answer);
                }
            }
        }
        // A failure is over with the load that failed.
        let late = late.filter(|_| !matches!(landing, Some(Landing::Failed(_))));
        match (task.lead, landing, late) {
            (Some(lead), Some(landing), Some(landed)) => landed.push(lead.share(landing)),
            (Some(lead), Some(landing), None) => lead.land(landing),
            (Some(lead), None, _) => lead.scatter(),
            (None, ..) => {}
        }
        // Only now may another caller load it ahead.
        self.items[at].fallback = None;
        has_failed
    }

    /// Whether what is fresh is the answer where the cache fails a load ahead.
    pub(super) fn fall_back_where_ahead(&mut self, task: &Task) -> bool {
        self.items[task.item].purpose == Purpose::Ahead && self.fall_back(task.item)
    }

    /// Whether a key that this call loads has a fallback, which hides how the load fails.
    pub(crate) fn has_fallback(&self) -> bool {
        let mut loading = self.loading().iter();
        loading.any(|task| self.items[task.item].fallback.is_some())
    }

    /// The positions of the keys that are the caller's to load.
    pub(crate) fn to_load(&self) -> impl Iterator<Item = usize> {
        self.loading().iter().map(|task| task.item)
    }
}

/// How a load has failed that took longer than it may.
fn too_late() -> Failure {
    Failure {
        error: Some(Arc::new(Error::Timeout)),
        cause: Error::Timeout.to_string().into(),
    }
}
