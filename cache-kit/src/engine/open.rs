//! Before a load: the permits, whose turn it is among the processes, and what is known of tags.

use super::body::{Keys, Limit, LoadReport, Surroundings};
use super::item::{Pass, Purpose, Task};
use super::lease::LeaseWait;
use super::read::{Progress, Read};
use crate::error::{Error, Result};
use crate::flight::Landing;
use crate::key::CacheKey;
use crate::store::AnyPermit;
use crate::store::{Intent, Lease, Opened};
use smallvec::SmallVec;
use std::mem::take;
use std::task::{Context, Poll, ready};

impl<'e> Read<'e> {
    /// Opens what is to be loaded.
    ///
    /// What another process is loading is waited for after this call's own loads, and loaded if it
    /// does not come: two calls that wait for each other's keys have then loaded their own.
    pub(super) async fn open_tasks(&mut self) -> Option<Progress> {
        self.fall_back_where_throttled();
        self.open_unopened().await;
        if self.has_failed {
            return None;
        }
        if !self.sort_opened() {
            return Some(Progress::Wait);
        }
        let mut passes = self.loading().iter().map(|task| &task.pass);
        if passes.any(|pass| matches!(pass, Pass::Opened(..))) && self.has_tags() {
            Box::pin(self.ask_about_tags()).await;
        }
        (self.loading > 0).then_some(Progress::Load)
    }

    /// Sorts out what is loaded now; `false` if another process has to be waited for.
    fn sort_opened(&mut self) -> bool {
        if self.tasks.iter().any(is_taken) {
            let (taken, own): (SmallVec<[Task; 1]>, SmallVec<[Task; 1]>) =
                take(&mut self.tasks).into_iter().partition(is_taken);
            self.loading = own.len();
            self.tasks = own;
            let taken = self.serve_revalidated(taken);
            self.tasks.extend(taken);
            if self.loading > 0 || self.tasks.is_empty() {
                return true;
            }
            if self.is_patient {
                return false;
            }
        }
        self.loading = self.tasks.len();
        true
    }

    /// Waits for what another process is loading, to look again then.
    pub(super) fn poll_lease(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.engine.settings.lease_deadline;
        let wait = self
            .lease
            .get_or_insert_with(|| Box::new(LeaseWait::new(deadline)));
        self.is_patient = ready!(wait.poll_pause(context));
        if self.is_patient {
            for task in &mut self.tasks {
                task.pass = Pass::Unopened;
            }
        }
        Poll::Ready(())
    }

    /// A caller that takes over a load that has failed not long ago has its fallback.
    fn fall_back_where_throttled(&mut self) {
        let (items, engine) = (&self.items, self.engine);
        let is_throttled = |task: &Task| {
            let item = &items[task.item];
            let key = item.key.as_ref().filter(|_| item.fallback.is_some());
            task.lead.is_some() && key.is_some_and(|key| engine.throttle.holds(key))
        };
        if !self.tasks.iter().any(is_throttled) {
            return;
        }
        let (throttled, tasks): (SmallVec<[Task; 1]>, _) =
            take(&mut self.tasks).into_iter().partition(is_throttled);
        self.tasks = tasks;
        for task in throttled {
            self.fall_back(task.item);
        }
    }

    /// Asks for the permits that are wanting. Tasks whose entry has come meanwhile are done.
    async fn open_unopened(&mut self) {
        let unopened = self.tasks.iter();
        let unopened = unopened.filter(|task| matches!(task.pass, Pass::Unopened));
        let keys = unopened.map(|task| self.items[task.item].key.clone());
        let keys: SmallVec<[CacheKey; 1]> = keys.flatten().collect();
        if keys.is_empty() {
            return;
        }
        let opened = self.engine.open(self.kind(), &keys, Intent::Load).await;
        let mut opened = opened.into_iter();
        for task in take(&mut self.tasks) {
            let task = if let Pass::Unopened = task.pass {
                let opened = opened.next().unwrap_or(Err(Error::Timeout));
                self.opened(task, opened)
            } else {
                Some(task)
            };
            self.tasks.extend(task);
        }
    }

    /// Takes what `open` answered for one task; `None` if that is done.
    fn opened(&mut self, mut task: Task, opened: Result<Opened<AnyPermit>>) -> Option<Task> {
        if self.items[task.item].purpose == Purpose::Ahead {
            return self.opened_ahead(&task, opened);
        }
        match opened {
            Ok(opened) => {
                let landing = task.lead.as_ref().and(self.landing_of(opened.found));
                if let Some(landing) = landing
                    && self.take(task.item, &landing)
                {
                    task.land(landing);
                    return None;
                }
                task.pass = Pass::Opened(opened.permit, opened.lease);
            }
            Err(error) if self.is_strict() => {
                self.break_off(task, error);
                return None;
            }
            Err(_) => task.pass = Pass::Denied,
        }
        Some(task)
    }

    /// Ends a task with a failure of the cache, for everyone on its flight.
    fn break_off(&mut self, task: Task, error: Error) {
        let landing = Landing::Broken(error);
        if let Some(answer) = self.answer_of(&landing) {
            self.answer_with(task.item, answer);
        }
        task.land(landing);
    }

    /// What is stale, and serves, is the answer also while another process loads the next value.
    fn serve_revalidated(&mut self, taken: SmallVec<[Task; 1]>) -> SmallVec<[Task; 1]> {
        let mut left = SmallVec::new();
        for task in taken {
            if self.items[task.item].purpose == Purpose::Revalidate {
                self.serve_stale(task.item);
            } else {
                left.push(task);
            }
        }
        left
    }

    fn has_tags(&self) -> bool {
        !self.ask.tags().is_empty() || self.ask.brings_tags || self.kind().is_tagged
    }

    /// Asks about the tags of what will be loaded. Without an answer nothing is stored.
    async fn ask_about_tags(&mut self) {
        let kept = || self.kept();
        let (tags, brings) = (self.ask.tags(), self.ask.brings_tags);
        let snapshot = self.engine.tag_snapshot(self.kind(), tags, brings, kept);
        match snapshot.await {
            Ok(snapshot) => self.snapshot = Some(Box::new(snapshot)),
            Err(error) if self.is_strict() => {
                for task in self.take_loading() {
                    if !self.fall_back_where_ahead(&task) {
                        self.break_off(task, error.clone());
                    }
                }
            }
            Err(_) => {
                for task in &mut self.tasks[..self.loading] {
                    task.pass = Pass::Denied;
                }
            }
        }
    }

    /// For how long what this call loads is kept, in as far as that is known before; `None` if for
    /// ever.
    fn kept(&self) -> Option<std::time::Duration> {
        // What is not stored needs no time.
        let lifetime = self.decided_lifetime();
        let lifetime = lifetime.unwrap_or(std::time::Duration::ZERO.into());
        let ttl = lifetime.ttl()?;
        Some(ttl.saturating_add(lifetime.stale()))
    }

    /// Begins to load, and returns what surrounds the body.
    pub(super) fn surround(&mut self) -> &mut Surroundings<'e> {
        let (prefix, engine) = (self.prefix(), self.engine);
        let items = self.loading().iter().map(|task| &self.items[task.item]);
        let keys = items.clone().filter_map(|item| item.key.clone());
        let keys: SmallVec<[CacheKey; 1]> = keys.collect();
        for key in &keys {
            tracing::trace!(parent: &self.span, %key, "loading");
        }
        let timeouts = engine.timeouts(self.ask.timeouts());
        let is_ahead = |task: &Task| self.items[task.item].purpose == Purpose::Ahead;
        let has_fallback = items.clone().all(|item| item.fallback.is_some());
        let limit = if self.loading().iter().all(is_ahead) && !self.is_detached {
            // Whatever the output can say: there is something fresh to return.
            [timeouts.soft, timeouts.hard].into_iter().flatten().min()
        } else {
            // A caller that cannot be told waits.
            let can_be_told = has_fallback || self.ask.takes.errors;
            timeouts.hard.filter(|_| can_be_told)
        };
        let revalidated = items
            .clone()
            .filter(|item| item.purpose == Purpose::Revalidate)
            .filter_map(|item| item.key.clone());
        let revalidated: Vec<_> = revalidated.collect();
        let deadline = Limit::new(Some(engine.settings.flight_deadline));
        let with_fallback =
            items.filter(|item| item.fallback.is_some() && item.purpose != Purpose::Ahead);
        let throttle = with_fallback.filter_map(|item| {
            let windows = engine.windows(self.kind(), self.ask.lifetime());
            Some((item.key.clone()?, windows.throttle))
        });
        let report = LoadReport::begin(engine, prefix, throttle.collect());
        let span = tracing::debug_span!(parent: &self.span, "cache_load", prefix);
        self.surroundings.insert(Box::new(Surroundings {
            engine,
            keys: Keys::new(keys),
            span,
            limit: Limit::new(limit),
            detach: (!revalidated.is_empty()).then_some((deadline, revalidated)),
            report,
        }))
    }
}

impl Task {
    /// Tells everyone on the flight, if the task leads one.
    pub(super) fn land(self, landing: Landing) {
        if let Some(lead) = self.lead {
            lead.land(landing);
        }
    }
}

/// Says whether another process is loading it. A call that leads no flight has waited enough.
fn is_taken(task: &Task) -> bool {
    task.lead.is_some() && matches!(task.pass, Pass::Opened(_, Lease::Taken))
}
