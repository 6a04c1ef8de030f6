//! Storing what was loaded or written, if nothing newer came first.

use super::names;
use super::permit::{RedisPermit, new_guard};
use super::scopes::ScopeGuards;
use super::script::{FILL, PUT};
use super::wire::{Reply, Request, integer, unexpected};
use super::{Shared, open};
use crate::backend::envelope::Header;
use crate::entity::shape::Shape;
use crate::error::{Error, Result};
use crate::store::{Entry, Fill, Filled, tags_of};
use redis::Cmd;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// So many entries are encoded before they are sent.
const CHUNK: usize = 100;

/// What lasts longer lasts for ever. Redis adds it to its clock, and the sum must fit.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 1000);

#[derive(Clone, Copy)]
enum Step {
    Fill,
    Put,
}

impl Shared {
    pub(super) async fn fill(
        self: &Arc<Self>,
        fills: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.store(fills, shape, Step::Fill).await
    }

    pub(super) async fn put(
        self: &Arc<Self>,
        puts: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.store(puts, shape, Step::Put).await
    }

    async fn store(
        self: &Arc<Self>,
        fills: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
        step: Step,
    ) -> Vec<Result<Filled>> {
        let mut stored = Vec::with_capacity(fills.len());
        let mut fills = VecDeque::from(fills);
        while !fills.is_empty() {
            let chunk = fills.drain(..CHUNK.min(fills.len())).collect();
            stored.extend(self.store_chunk(chunk, shape, step).await);
        }
        stored
    }

    async fn store_chunk(
        self: &Arc<Self>,
        fills: Vec<Fill<RedisPermit>>,
        shape: &'static Shape,
        step: Step,
    ) -> Vec<Result<Filled>> {
        // A prefix that was cleared meanwhile makes what is stored dead: the fill is told so, by
        // whoever knows.
        let mut scopes = ScopeGuards::of(&self.books, fills.iter().map(|fill| &fill.permit.key));
        let (mut requests, mut unsent) = (Vec::with_capacity(fills.len() + 1), Vec::new());
        for fill in &fills {
            unsent.push(match self.prepare(fill, shape, step) {
                Ok(Some(request)) => {
                    requests.push(request);
                    None
                }
                Ok(None) => Some(Ok(Filled::Superseded)),
                Err(error) => Some(Err(error)),
            });
        }
        let count = requests.len();
        requests.extend(scopes.unknown().map(|place| guard_of(&scopes.name(place))));
        let mut replies = self.router.send(requests).await.into_iter();
        let of_fills: Vec<_> = replies.by_ref().take(count).collect();
        scopes.take_all(replies);
        let (mut of_fills, fills) = (of_fills.into_iter(), fills.iter().zip(unsent).enumerate());
        fills
            .map(|(place, (fill, unsent))| {
                let sent = || {
                    let answer = filled(of_fills.next().unwrap_or(Err(Error::Timeout)));
                    // A fill gives the lease back, also one that comes too late to be stored.
                    if let (Ok(_), Step::Fill, Some(lease)) = (&answer, step, &fill.permit.lease) {
                        lease.settle();
                    }
                    answer
                };
                let answer = unsent.unwrap_or_else(sent)?;
                // A prefix that cannot be asked about has not changed as far as anybody knows here:
                // a reader will.
                let is_cleared = scopes
                    .of_key(place)
                    .is_ok_and(|now| now != Some(fill.permit.prefix_guard));
                Ok(if is_cleared {
                    Filled::Superseded
                } else {
                    answer
                })
            })
            .collect()
    }

    /// Encodes an entry and says how it is stored; `None` if it is known here that it must not be.
    fn prepare(
        &self,
        fill: &Fill<RedisPermit>,
        shape: &'static Shape,
        step: Step,
    ) -> Result<Option<Request>> {
        let permit = &fill.permit;
        let is_poisoned = self.journal.is_poisoned(&permit.key);
        if is_poisoned && matches!(step, Step::Fill) {
            return Ok(None);
        }
        let guard = names::guard(&permit.key);
        let value = names::value(&permit.key, shape);
        let cmd = match step {
            Step::Fill => {
                let lease = names::lease(&permit.key, shape);
                let mut cmd = FILL.call(&[&guard, &lease, &value]);
                cmd.arg(permit.guard).arg(self.lease_of(permit.guard));
                self.add_entry(&mut cmd, fill, permit.guard, shape)?;
                cmd
            }
            Step::Put => {
                // Under a new guard: whoever is loading now must not overwrite it. A guard of none
                // is what a poisoned key's never is.
                let (seen, new) = (if is_poisoned { 0 } else { permit.guard }, new_guard()?);
                let mut cmd = PUT.call(&[&guard, &value]);
                cmd.arg(seen).arg(new);
                self.add_entry(&mut cmd, fill, new, shape)?;
                cmd
            }
        };
        Ok(Some(Request::new(cmd, &guard)))
    }

    /// Adds what is stored, for how long, and how long its guard lasts: twice as long, so that it
    /// outlives every entry stored under it.
    fn add_entry(
        &self,
        cmd: &mut Cmd,
        fill: &Fill<RedisPermit>,
        stamp: u64,
        shape: &'static Shape,
    ) -> Result<()> {
        let kept = fill.kept().filter(|kept| *kept < LONGEST);
        let kept = kept.map(open::millis);
        if let Entry::Gone = fill.entry {
            cmd.arg("");
        } else {
            let header = Header {
                fingerprint: shape.fingerprint(),
                stamp,
                prefix_stamp: fill.permit.prefix_guard,
                soft: fill.ttl,
                hard: fill.kept(),
                tags: tags_of(fill),
                ..Header::default()
            };
            let entry = self
                .wrap
                .seal(&fill.permit.key, header, &fill.entry, shape)?;
            if entry.len() > self.max_entry {
                let size = format!(
                    "an entry of {} bytes is larger than the `max_entry` of {}",
                    entry.len(),
                    self.max_entry
                );
                return Err(Error::SerializationError(size.into()));
            }
            cmd.arg(entry);
        }
        let text =
            |millis: Option<u64>| millis.map_or_else(String::new, |millis| millis.to_string());
        cmd.arg(text(kept)).arg(text(kept.map(|kept| kept * 2)));
        Ok(())
    }
}

fn filled(reply: Result<Reply>) -> Result<Filled> {
    match integer(&reply?.value) {
        Some(0) => Ok(Filled::Superseded),
        Some(_) => Ok(Filled::Stored),
        None => Err(unexpected("a fill")),
    }
}

fn guard_of(name: &str) -> Request {
    let mut cmd = redis::cmd("GET");
    cmd.arg(name);
    Request::new(cmd, name)
}
