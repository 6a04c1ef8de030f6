//! Invalidating, and repeating what could not be done.

use super::journal::Debt;
use super::wire::{Request, integer, unexpected};
use super::{Shared, names};
use crate::backend::only;
use crate::error::Result;
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
        // A cluster takes one name at a time: two of a slot that is on its way to another node are refused.
        let at_once = if self.router.is_cluster() { 1 } else { count };
        let groups = || names.chunks(at_once.max(1));
        let requests = groups().map(|group| {
            let mut cmd = redis::cmd("DEL");
            cmd.arg(group);
            Request::new(cmd, &group[0])
        });
        let replies = self.router.send(requests.collect()).await;
        let told = groups().zip(replies).flat_map(|(group, reply)| {
            let number = reply.map(|reply| integer(&reply.value));
            let answer = number.and_then(|number| number.ok_or_else(|| unexpected("`DEL`")));
            vec![answer.map(drop); group.len()]
        });
        told.collect()
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
                Ok(()) => {
                    if let Debt::Prefix(prefix, _) = debt {
                        // What was learnt of it before it was cleared.
                        self.prefixes.forget(prefix);
                    }
                    self.journal.settle(debt);
                }
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Tries to pay everything once: what one node of a cluster cannot be told keeps nothing from the others.
    pub(super) async fn pay_all(&self) -> Result<()> {
        let (newest, mut last, mut outcome) = (self.journal.newest(), 0, Ok(()));
        while last < newest {
            let debts = self.journal.some_after(last, CHUNK);
            let Some(debt) = debts.last() else { break };
            last = debt.number();
            if let Err(error) = self.pay(debts).await {
                outcome = Err(error);
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
            match self.shared.pay_all().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, pending = self.shared.journal.len(), "Redis cannot be told of invalidations yet");
                    tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * random_fraction())).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            self.is_done = self.shared.journal.end();
            if self.is_done {
                return;
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
