//! Waiting for what another call loads.

use super::ask::Reload;
use super::item::{Pass, Purpose, Task, Wait};
use super::read::Read;
use crate::error::Error;
use crate::flight::{Arrived, Joined, Landing, Tag};
use crate::observe::Operation;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// How often a caller with little patience looks for another one who loads.
const HAND_OVERS: u8 = 8;

impl Read<'_> {
    /// Waits for the first flight of those that are waited for, and takes what it brings.
    pub(super) fn poll_follow(
        &mut self,
        reload: Reload<'_>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let arrived = ready!(self.poll_first(context));
        self.timer = None;
        if let Some(wait) = self.waits.pop_front() {
            self.arrived(wait, arrived, reload);
        }
        Poll::Ready(())
    }

    /// Goes on after a wait, if anything has arrived before time was up.
    fn arrived(&mut self, wait: Wait, arrived: Option<Arrived>, reload: Reload<'_>) {
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

    /// Waits for the first flight until its deadline. Then nobody joins it any more, and for as
    /// long again those who wait can load, a few at a time; `None` if that took too long as well. A
    /// call with little patience waits for so long only.
    ///
    /// It waits where the flight lies: ten thousand callers of one key keep it there only.
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Option<Arrived>> {
        while let Some(first) = self.waits.front_mut() {
            if let Poll::Ready(arrived) = Pin::new(&mut first.follower).poll(context) {
                return Poll::Ready(Some(arrived));
            }
            let (item, is_over) = (first.item, first.is_over);
            let since = *self.waits_since.get_or_insert_with(Instant::now);
            if self.timer.is_none() && Handle::try_current().is_ok() {
                let limit = self.wait_limit(item, is_over);
                let left = limit.saturating_sub(since.elapsed());
                self.timer = Some(Box::pin(tokio::time::sleep(left)));
            }
            let Some(timer) = &mut self.timer else {
                // Without a timer it takes as long as it takes.
                return Poll::Pending;
            };
            ready!(timer.as_mut().poll(context));
            self.timer = None;
            if is_over || self.items[item].is_impatient {
                break;
            }
            // So it is for all that this call waits for: what is free then is loaded at once.
            for at in 0..self.waits.len() {
                self.give_up(at);
            }
        }
        Poll::Ready(None)
    }

    /// How long a call waits for another one altogether.
    fn wait_limit(&self, item: usize, is_over: bool) -> Duration {
        let deadline = self.engine.settings.flight_deadline;
        match self.engine.timeouts(self.ask.timeouts()).soft {
            Some(soft) if self.items[item].is_impatient => soft,
            _ if is_over => deadline.saturating_mul(2),
            _ => deadline,
        }
    }

    /// Gives up on those who load: nobody joins their flight any more, and a few of those who wait
    /// can load as well.
    fn give_up(&mut self, at: usize) {
        let wait = &mut self.waits[at];
        let is_patient = !self.items[wait.item].is_impatient;
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
        if self.items[at].is_impatient {
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
        if self.items[task.item].is_impatient {
            return self.load_for_a_while(task, reload);
        }
        self.tasks.push(task);
        let mut waits = std::mem::take(&mut self.waits);
        waits.retain(|wait| {
            if self.items[wait.item].is_impatient {
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
