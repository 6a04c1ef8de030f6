//! Invalidating, and repeating what could not be done.

use super::journal::Debt;
use super::read::by_slot;
use super::wire::{Request, integer, unexpected};
use super::{Shared, names};
use crate::backend::only;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::random::random_fraction;
use std::sync::Arc;
use std::time::Duration;

/// So many names go into one command.
const CHUNK: usize = 1000;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    pub(super) async fn invalidate(self: &Arc<Self>, keys: &[CacheKey]) -> Vec<Result<()>> {
        let mut promise = Promise {
            shared: self,
            keys,
            prefix: None,
            kept: 0,
        };
        let mut told = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            let names = chunk.iter().map(names::guard).collect();
            let answers = self.delete(names).await;
            for (key, answer) in chunk.iter().zip(&answers) {
                if answer.is_err() {
                    self.journal.owe_key(key);
                }
            }
            promise.kept += chunk.len();
            told.extend(answers);
        }
        drop(promise);
        told
    }

    pub(super) async fn clear_prefix(self: &Arc<Self>, prefix: &str) -> Result<()> {
        let mut promise = Promise {
            shared: self,
            keys: &[],
            prefix: Some(prefix),
            kept: 0,
        };
        self.prefixes.forget(prefix);
        let told = only(self.delete(vec![names::prefix_guard(prefix)]).await);
        // Again: who asked meanwhile may have been answered before.
        self.prefixes.forget(prefix);
        if told.is_ok() {
            promise.prefix = None;
        }
        told
    }

    /// Deletes names, and answers for each: in a cluster a dead node is the failure of its names alone.
    async fn delete(&self, names: Vec<String>) -> Vec<Result<()>> {
        let count = names.len();
        let groups = by_slot(
            &self.router,
            names.into_iter().enumerate().collect(),
            |(_, name): &(usize, String)| name.clone(),
        );
        let requests = groups.iter().map(|group| {
            let mut cmd = redis::cmd("DEL");
            for (_, name) in group {
                cmd.arg(name);
            }
            Request::new(cmd, group.first().map_or("", |(_, name)| name))
        });
        let replies = self.router.send(requests.collect()).await;
        let mut told = vec![Err(Error::Timeout); count];
        for (group, reply) in groups.iter().zip(replies) {
            let answer = reply.and_then(|reply| {
                integer(&reply.value)
                    .map(drop)
                    .ok_or_else(|| unexpected("`DEL`"))
            });
            for (index, _) in group {
                told[*index].clone_from(&answer);
            }
        }
        told
    }

    /// Tells Redis what it is owed, and strikes out what it has been told.
    pub(super) async fn pay(&self, debts: Vec<Debt>) -> Result<()> {
        if debts.is_empty() {
            return Ok(());
        }
        let name = |debt: &Debt| match debt {
            Debt::Key(key, _) => names::guard(key),
            Debt::Prefix(prefix, _) => names::prefix_guard(prefix),
        };
        let told = self.delete(debts.iter().map(name).collect()).await;
        let mut outcome = Ok(());
        for (debt, told) in debts.iter().zip(told) {
            match told {
                Ok(()) => self.journal.settle(debt),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Has what is owed paid by a task of its own, unless that is going on.
    pub(super) fn start_paying(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.journal.begin() {
            let payer = Payer {
                shared: Arc::clone(self),
                is_done: false,
            };
            runtime.spawn(payer.run());
        }
    }
}

/// What was promised about keys or a prefix. Whatever of it is not kept, also because the caller has gone, is owed from now on.
struct Promise<'s> {
    shared: &'s Arc<Shared>,
    keys: &'s [CacheKey],
    prefix: Option<&'s str>,
    /// So many of the keys have been seen to.
    kept: usize,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let journal = &self.shared.journal;
        self.keys[self.kept..]
            .iter()
            .for_each(|key| journal.owe_key(key));
        if let Some(prefix) = self.prefix {
            journal.owe_prefix(prefix);
        }
        if !journal.is_empty() {
            self.shared.start_paying();
        }
    }
}

/// Pays until nothing is owed. If its runtime ends first, somebody else begins again.
struct Payer {
    shared: Arc<Shared>,
    is_done: bool,
}

impl Payer {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let debts = self.shared.journal.some(CHUNK);
            if debts.is_empty() {
                self.is_done = self.shared.journal.end();
                if self.is_done {
                    return;
                }
                continue;
            }
            match self.shared.pay(debts).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, pending = self.shared.journal.len(), "Redis cannot be told of invalidations yet");
                    tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * random_fraction())).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

impl Drop for Payer {
    fn drop(&mut self) {
        if !self.is_done {
            self.shared.journal.give_up();
        }
    }
}
