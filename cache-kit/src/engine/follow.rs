//! Waiting for what another call loads.

use super::ask::Reload;
use super::read::{Pass, Purpose, Read, Task, Wait};
use crate::error::Error;
use crate::flight::{Arrived, Joined, Landing, Tag};
use crate::observe::Operation;
use crate::timer;
use std::time::Duration;
use tokio::time::Instant;

/// How often a caller with little patience looks for another one who loads.
const HAND_OVERS: u32 = 8;

impl Read<'_> {
    /// Waits for the first flight of those that are waited for, and takes what it brings.
    pub(super) async fn follow(&mut self, reload: Reload<'_>) {
        let arrived = self.wait().await;
        let Some(wait) = self.waits.pop_front() else {
            return;
        };
        let at = wait.item;
        match arrived {
            Some(Arrived::Landed(landing)) => self.landed(wait, &landing),
            Some(Arrived::Lead(lead)) => {
                let pass = Pass::after_wait(wait.is_denied);
                drop(wait);
                let task = Task {
                    item: at,
                    lead: Some(lead),
                    pass,
                };
                self.take_over(task, reload);
            }
            None => {
                drop(wait);
                if !self.fall_back(at) {
                    self.push_alone(at, Pass::Unopened);
                }
            }
        }
    }

    /// How long this call has waited for others.
    fn waited(&mut self) -> Duration {
        self.waits_since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Waits for the first flight until its deadline. Then nobody joins it any more, and for as long
    /// again those who wait can load, a few at a time; `None` if that took too long as well. A call
    /// with little patience waits for so long only.
    ///
    /// It waits where the flight lies: ten thousand callers of one key keep it there only.
    async fn wait(&mut self) -> Option<Arrived> {
        let first = self.waits.front()?;
        let (item, is_over) = (&self.items[first.item], first.is_over);
        let deadline = self.engine.settings.flight_deadline;
        let last = item.patience.unwrap_or(deadline.saturating_mul(2));
        if item.patience.is_none() && !is_over {
            let arrived = self.wait_until(deadline).await;
            if arrived.is_some() {
                return arrived;
            }
            // So it is for all that this call waits for: what is free then is loaded at once.
            for at in 0..self.waits.len() {
                self.give_up(at);
            }
        }
        self.wait_until(last).await
    }

    async fn wait_until(&mut self, deadline: Duration) -> Option<Arrived> {
        let left = deadline.saturating_sub(self.waited());
        let first = self.waits.front_mut()?;
        timer::within(left, &mut first.follower).await
    }

    /// Gives up on those who load: nobody joins their flight any more, and a few of those who wait
    /// can load as well.
    fn give_up(&mut self, at: usize) {
        let wait = &mut self.waits[at];
        let is_patient = self.items[wait.item].patience.is_none();
        if is_patient && !std::mem::replace(&mut wait.is_over, true) {
            wait.follower.widen();
            self.engine
                .failed(self.ask.kind, Operation::Wait, &Error::Timeout);
        }
    }

    /// Takes what a flight brought. What is of no use here is left behind, and the next flight
    /// joined.
    fn landed(&mut self, wait: Wait, landing: &Landing) {
        let at = wait.item;
        let has_failed = matches!(landing, Landing::Failed(_) | Landing::Invalid(..));
        if has_failed && self.fall_back(at) {
            return;
        }
        if self.takes(at, landing) && self.take(at, landing) {
            return;
        }
        if self.items[at].patience.is_some() {
            self.fall_back(at);
            return;
        }
        let is_denied = wait.is_denied;
        wait.follower.pass_over();
        self.items[at].takes_next = true;
        self.items[at].takes_absence = true;
        self.rejoining.push((at, Pass::after_wait(is_denied)));
    }

    /// Whether a landing can be taken, whatever the output can say. How old an entry is that the
    /// leader found is not known here: a call with a limit looks for itself.
    fn takes(&self, at: usize, landing: &Landing) -> bool {
        match landing {
            Landing::Found(..) if self.ask.age_limit().is_some() => false,
            // It belongs to no key and so to no guard: it can be older than this call.
            Landing::Absent if !self.items[at].takes_absence => false,
            _ => self.items[at].takes_next,
        }
    }

    /// Loads in another call's place. What else is free now is taken as well, as when another batch
    /// was dropped: others wait for it.
    fn take_over(&mut self, task: Task, reload: Reload<'_>) {
        if self.items[task.item].patience.is_some() {
            return self.load_for_a_while(task, reload);
        }
        self.tasks.push(task);
        let mut waits = std::mem::take(&mut self.waits);
        waits.retain(|wait| {
            if self.items[wait.item].patience.is_some() {
                return true;
            }
            let Some(lead) = wait.follower.take_over() else {
                return true;
            };
            self.tasks.push(Task {
                item: wait.item,
                lead: Some(lead),
                pass: Pass::after_wait(wait.is_denied),
            });
            false
        });
        self.waits = waits;
    }

    /// Joins a key's flight for as long as the caller has patience; then the fallback is the
    /// answer. A load of this call's own is a task's, where there is one to run it.
    pub(super) fn join_for_a_while(&mut self, at: usize, reload: Reload<'_>) {
        let stamp = self.items[at]
            .fallback
            .as_ref()
            .and_then(|known| known.stamp);
        let Some(key) = self.items[at].key.clone() else {
            return;
        };
        if super::body::is_loading(self.engine.id(), &key) {
            return self.push_alone(at, Pass::Unopened);
        }
        let tag = Tag::of_shape(self.kind().shape, stamp);
        match self.engine.flights.join(&key, tag) {
            Joined::Lead(lead) => {
                let task = Task {
                    item: at,
                    lead: Some(lead),
                    pass: Pass::Unopened,
                };
                self.load_for_a_while(task, reload);
            }
            Joined::Follow(follower) => self.wait_for(Wait {
                item: at,
                follower,
                is_denied: false,
                is_over: false,
            }),
        }
    }

    /// Gives a load to a task, and waits for it as for any other's. Without a task this call loads.
    fn load_for_a_while(&mut self, task: Task, reload: Reload<'_>) {
        let Task {
            item: at,
            lead,
            pass,
        } = task;
        self.items[at].hand_overs += 1;
        if self.items[at].hand_overs > HAND_OVERS {
            drop(lead);
            self.fall_back(at);
            return;
        }
        match lead.and_then(|lead| self.load_by_task(at, lead, Purpose::Miss, reload)) {
            None => self.join_for_a_while(at, reload),
            lead => self.tasks.push(Task {
                item: at,
                lead,
                pass,
            }),
        }
    }
}
