//! Invalidating, and repeating what could not be done.

use super::journal::Debt;
use super::wire::{Reply, Request, integer, unexpected};
use super::{Shared, names, open};
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::runtime::random::random_fraction;
use crate::store::tag::{Scope, Tag};
use crate::store::{Stamp, TagStamps};
use std::collections::{BTreeSet, HashMap};
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
            scopes: Vec::new(),
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

    pub(super) async fn clear(self: &Arc<Self>, scope: Scope<'_>) -> Result<()> {
        let names = match scope {
            Scope::Prefix(prefix) => vec![prefix.to_owned()],
            Scope::Namespace(namespace) => {
                let copies = names::Copies::of(self.router.is_cluster());
                copies.scopes(namespace.unwrap_or_default())
            }
            Scope::Tag(tag) => {
                vec![names::tag_scope(
                    tag.namespace().unwrap_or_default(),
                    tag.id(),
                )]
            }
        };
        let forget = || names.iter().for_each(|name| self.books.forget(name));
        let mut promise = Promise {
            shared: self,
            keys: &[],
            scopes: names.clone(),
            kept: 0,
        };
        forget();
        let scopes: Vec<_> = names.iter().map(String::as_str).collect();
        let told = self.delete_scopes(&scopes).await;
        // Again: who asked meanwhile may have been answered before.
        forget();
        let left = names.iter().zip(&told).filter(|(_, told)| told.is_err());
        promise.scopes = left.map(|(name, _)| name.clone()).collect();
        told.into_iter().collect::<Result<Vec<()>>>().map(drop)
    }

    /// Deletes the guards of scopes; those of tags after the epochs of their namespaces, so that
    /// who learns only now what tags its load has brought sees that one may have been cleared.
    ///
    /// An epoch that has ended since a tag came to be owed need not end again: what is loaded in
    /// the next one knows of the clear.
    async fn delete_scopes(&self, scopes: &[&str]) -> Vec<Result<()>> {
        let namespace_of_tag = |scope: &&str| match names::parse(scope) {
            names::Parsed::Tag(namespace, _) if !self.journal.has_ended(scope) => {
                Some(namespace.to_owned())
            }
            _ => None,
        };
        // Before anything ends: what comes to be owed from now on is not meant.
        let debts: Vec<_> = scopes
            .iter()
            .map(|scope| self.journal.about_scope(scope))
            .collect();
        let of_tags: Vec<_> = scopes.iter().map(namespace_of_tag).collect();
        let namespaces: BTreeSet<_> = of_tags.iter().flatten().cloned().collect();
        let epochs = namespaces.iter();
        let epochs = epochs.map(|namespace| names::scope_guard(&names::epoch_scope(namespace)));
        let ended = self.delete(epochs.collect()).await;
        let ended: HashMap<_, _> = namespaces.into_iter().zip(ended).collect();
        let guards = scopes.iter().map(|scope| names::scope_guard(scope));
        let deleted = self.delete(guards.collect()).await;
        let told = debts.iter().zip(of_tags).zip(deleted);
        told.map(|((debt, namespace), deleted)| {
            if let Some(namespace) = namespace {
                ended.get(&namespace).cloned().unwrap_or(Ok(()))?;
                if let Some(debt) = debt {
                    self.journal.end_epoch(debt);
                }
            }
            deleted
        })
        .collect()
    }

    /// Says in which state tags are, and then in which epoch. What Redis is owed about them it is
    /// told first.
    pub(super) async fn stamp_tags(
        self: &Arc<Self>,
        namespace: &str,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        let scopes: Vec<_> = tags
            .iter()
            .map(|tag| names::tag_scope(namespace, tag.id()))
            .collect();
        let debts = scopes
            .iter()
            .filter_map(|scope| self.journal.about_scope(scope));
        self.pay(debts.collect()).await?;
        let lasts = lasts.map(|lasts| lasts.max(open::SHORTEST_GUARD));
        let requests = scopes
            .iter()
            .map(|scope| open::guarding(&names::scope_guard(scope), lasts));
        let replies = self.router.send(requests.collect::<Result<_>>()?).await;
        let guard = |reply: Result<Reply>| {
            let guard = integer(&reply?.value).ok_or_else(|| unexpected("`GUARD`"))?;
            Ok(Stamp::new(guard.into()))
        };
        let stamps = replies.into_iter().map(guard).collect::<Result<_>>()?;
        // After the tags, in an exchange of its own: a script that has to be sent again comes later
        // than what was sent with it.
        let epoch = names::scope_guard(&names::epoch_scope(namespace));
        let epoch = self.router.send_one(open::guarding(&epoch, None)?).await;
        Ok(TagStamps {
            tags: stamps,
            epoch: guard(epoch)?,
        })
    }

    /// Deletes names, and answers for each: in a cluster a dead node is the failure of its names
    /// alone.
    async fn delete(&self, names: Vec<String>) -> Vec<Result<()>> {
        let count = names.len();
        // A cluster takes one name at a time: two of a slot that is on its way to another node are
        // refused.
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
        let told = self.delete_owed(&debts).await;
        let mut outcome = Ok(());
        for (debt, told) in debts.iter().zip(told) {
            match told {
                Ok(()) => {
                    if let Debt::Scope(scope, _) = debt {
                        // What was learnt of it before it was cleared.
                        self.books.forget(scope);
                    }
                    self.journal.settle(debt);
                }
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    async fn delete_owed(&self, debts: &[Debt]) -> Vec<Result<()>> {
        let (mut keys, mut scopes) = (Vec::new(), Vec::new());
        for debt in debts {
            match debt {
                Debt::Key(key, _) => keys.push(names::guard(key)),
                Debt::Scope(scope, _) => scopes.push(&**scope),
            }
        }
        let mut keys = self.delete(keys).await.into_iter();
        let mut scopes = self.delete_scopes(&scopes).await.into_iter();
        let told = debts.iter().map(|debt| match debt {
            Debt::Key(..) => keys.next(),
            Debt::Scope(..) => scopes.next(),
        });
        told.map(|told| told.unwrap_or(Err(Error::Timeout)))
            .collect()
    }

    /// Tries to pay everything once: what one node of a cluster cannot be told keeps nothing from
    /// the others.
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

/// What was promised about keys or a scope. Whatever of it is not kept, also because the caller has
/// gone, is owed from now on.
struct Promise<'s> {
    shared: &'s Arc<Shared>,
    keys: &'s [CacheKey],
    scopes: Vec<String>,
    /// So many of the keys have been seen to.
    kept: usize,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let journal = &self.shared.journal;
        self.keys[self.kept..]
            .iter()
            .for_each(|key| journal.owe_key(key));
        self.scopes
            .iter()
            .for_each(|scope| journal.owe_scope(scope));
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
