//! Reading: guards and values in one round trip.

use super::names;
use super::scopes::{ScopeGuards, combined};
use super::script::READ;
use super::wire::{Reply, Request, ServerClock, bytes, check_runtime, integer, unexpected};
use super::{Shared, stamp_of};
use crate::backend::envelope::Sealed;
use crate::entity::shape::Shape;
use crate::error::{Error, Result};
use crate::key::CacheKey;
use crate::store::{Lookup, Stamp, only};
use redis::{Cmd, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// So many keys are asked for in one command: Redis serves nobody else meanwhile.
pub(super) const CHUNK: usize = 500;

/// So many digits a guard has at most.
const LONGEST_GUARD: usize = 19;

/// One thing that is read.
#[derive(Clone, Copy)]
enum Part {
    ScopeGuard(usize),
    Guard(usize),
    Value(usize),
}

/// What is asked together.
struct Group {
    parts: Vec<Part>,
    /// What comes last may be of any size: larger than this it is dropped unread.
    limit: Option<usize>,
}

/// What stored bytes mean, if the tags they carry have not been cleared.
pub(super) struct Found {
    pub(super) lookup: Lookup,
    /// What the key's state is, where a tag has been.
    stamp: Option<Stamp>,
    pub(super) tags: Vec<(u64, u64)>,
}

impl From<Lookup> for Found {
    fn from(lookup: Lookup) -> Self {
        Self {
            lookup,
            stamp: None,
            tags: Vec::new(),
        }
    }
}

/// What was read of one key.
#[derive(Default)]
struct Read {
    guard: Option<u64>,
    value: Option<Vec<u8>>,
    clock: Option<ServerClock>,
    failure: Option<Error>,
}

impl Group {
    fn request(
        &self,
        keys: &[CacheKey],
        scopes: &ScopeGuards<'_>,
        shape: &'static Shape,
    ) -> Request {
        let name = |part: &Part| match part {
            Part::ScopeGuard(scope) => scopes.name(*scope),
            Part::Guard(index) => names::guard(&keys[*index]),
            Part::Value(index) => names::value(&keys[*index], shape),
        };
        let names: Vec<_> = self.parts.iter().map(name).collect();
        let cmd = if let Some(limit) = self.limit {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut cmd = READ.call(&names);
            cmd.arg(limit);
            cmd
        } else {
            let mut cmd = redis::cmd("MGET");
            cmd.arg(names.as_slice());
            cmd
        };
        Request::new(cmd, names.first().map_or("", String::as_str))
    }
}

impl Shared {
    /// Reads one key, once for all who come while it was asked about.
    pub(super) async fn read_shared(
        self: &Arc<Self>,
        key: &CacheKey,
        shape: &'static Shape,
    ) -> Result<Lookup> {
        check_runtime()?;
        let (shared, asked) = (Arc::clone(self), key.clone());
        let question = move || {
            let (shared, key) = (Arc::clone(&shared), asked.clone());
            Box::pin(async move { shared.read_one(&key, shape).await })
        };
        self.reads
            .ask((key.clone(), shape.type_id()), question)
            .await
    }

    /// Reads one key. Most are asked about together with their prefix and nothing else, which takes
    /// few steps.
    async fn read_one(self: &Arc<Self>, key: &CacheKey, shape: &'static Shape) -> Result<Lookup> {
        let is_plain = !self.router.is_cluster()
            && !self.journal.is_poisoned(key)
            && !self.suspects.contains(key);
        let namespace = self.books.namespace(key).filter(|_| is_plain);
        let Some(namespace) = namespace else {
            return only(Box::pin(self.read(std::slice::from_ref(key), shape)).await);
        };
        let prefix = names::scope_guard(key.prefix());
        let (guard, value) = (names::guard(key), names::value(key, shape));
        let mut cmd = Cmd::with_capacity(4, 4 + prefix.len() + guard.len() + value.len());
        cmd.arg("MGET").arg(prefix).arg(&guard).arg(value);
        let reply = self.router.send_one(Request::new(cmd, &guard)).await;
        let reply = reply.inspect_err(|failure| self.blame(key, failure))?;
        let answer = match reply.value {
            Value::Array(values) => <[Value; 3]>::try_from(values).ok(),
            _ => None,
        };
        let [prefix, guard, value] = answer.ok_or_else(|| unexpected("`MGET`"))?;
        let stored = bytes(value).map(|bytes| (bytes, reply.clock));
        let (Some(guard), Some(prefix)) = (integer(&guard), integer(&prefix)) else {
            return Ok(Lookup::Miss(None));
        };
        let guards = (guard, combined(prefix, namespace));
        let found = self.look_up(key, guards, stored, shape)?;
        if found.tags.is_empty() {
            return Ok(found.lookup);
        }
        only(Box::pin(self.settle(vec![Ok(found)], std::slice::from_ref(key))).await)
    }

    pub(super) async fn read(
        self: &Arc<Self>,
        keys: &[CacheKey],
        shape: &'static Shape,
    ) -> Vec<Result<Lookup>> {
        let mut lookups = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            lookups.extend(self.read_chunk(chunk, shape).await);
        }
        lookups
    }

    async fn read_chunk(
        self: &Arc<Self>,
        keys: &[CacheKey],
        shape: &'static Shape,
    ) -> Vec<Result<Lookup>> {
        let is_poisoned: Vec<_> = keys
            .iter()
            .map(|key| self.journal.is_poisoned(key))
            .collect();
        if is_poisoned.contains(&true) {
            self.start_paying();
        }
        let mut scopes = ScopeGuards::of(&self.books, keys.iter());
        let groups = self.groups(keys, &is_poisoned, &scopes);
        let mut reads: Vec<_> = keys.iter().map(|_| Read::default()).collect();
        let requests = groups
            .iter()
            .map(|group| group.request(keys, &scopes, shape));
        let replies = self.router.send(requests.collect()).await;
        for (group, reply) in groups.iter().zip(replies) {
            take(&group.parts, reply, &mut reads, &mut scopes);
        }
        let reads = keys.iter().zip(reads).zip(is_poisoned).enumerate();
        let found = reads.map(|(place, ((key, read), is_poisoned))| {
            if is_poisoned {
                // What Redis has is out of date. Who loads opens, and tells it so first.
                return Ok(Lookup::Miss(None).into());
            }
            self.conclude(key, read, scopes.of_key(place), shape)
        });
        let found = found.collect();
        self.settle(found, keys).await
    }

    /// Says what is asked together: all of it, or in a cluster what shares a slot. A key that is
    /// suspected is asked for by itself.
    fn groups(
        &self,
        keys: &[CacheKey],
        is_poisoned: &[bool],
        scopes: &ScopeGuards<'_>,
    ) -> Vec<Group> {
        let parts = |index| [Part::Guard(index), Part::Value(index)];
        let wanted = (0..keys.len()).filter(|index| !is_poisoned[*index]);
        let (suspected, trusted): (Vec<_>, Vec<_>) =
            wanted.partition(|index| self.suspects.contains(&keys[*index]));
        let trusted = by_slot(&self.router, trusted, |index| names::guard(&keys[*index]));
        let trusted = trusted.into_iter().map(|indices| Group {
            parts: indices.into_iter().flat_map(parts).collect(),
            limit: None,
        });
        let suspected = suspected.into_iter().map(|index| Group {
            parts: parts(index).to_vec(),
            limit: Some(self.max_entry),
        });
        let mut groups: Vec<_> = trusted.chain(suspected).collect();
        let unknown = scopes.unknown().map(Part::ScopeGuard);
        match groups.first_mut() {
            None => {}
            // By itself a prefix is asked about so seldom that care costs nothing.
            Some(_) if self.router.is_cluster() => groups.extend(unknown.map(|part| Group {
                parts: vec![part],
                limit: Some(LONGEST_GUARD),
            })),
            // In front: a careful read takes the last name for a value's.
            Some(first) => drop(first.parts.splice(0..0, unknown)),
        }
        groups
    }

    fn conclude(
        &self,
        key: &CacheKey,
        read: Read,
        scopes: Result<Option<u64>>,
        shape: &'static Shape,
    ) -> Result<Found> {
        if let Some(failure) = read.failure {
            self.blame(key, &failure);
            return Err(failure);
        }
        self.suspects.clear_of(key);
        let (Some(guard), Some(scopes)) = (read.guard, scopes?) else {
            return Ok(Lookup::Miss(None).into());
        };
        self.look_up(key, (guard, scopes), read.value.zip(read.clock), shape)
    }

    /// What was not answered in time may be too large.
    fn blame(&self, key: &CacheKey, failure: &Error) {
        if let Error::Timeout = failure {
            self.suspects.suspect(key);
        }
    }

    /// Says what stored bytes mean under these guards. They may be anything.
    pub(super) fn look_up(
        &self,
        key: &CacheKey,
        (guard, scopes): (u64, u64),
        stored: Option<(Vec<u8>, ServerClock)>,
        shape: &'static Shape,
    ) -> Result<Found> {
        let stamp = stamp_of(guard, scopes);
        let miss = Lookup::Miss(Some(stamp));
        let Some((bytes, clock)) = stored else {
            return Ok(miss.into());
        };
        let sealed = Sealed::read(&bytes)?;
        if !sealed.is_current(guard, scopes, shape) {
            return Ok(miss.into());
        }
        let age = clock.age(sealed.written);
        let tags = sealed.header.tags.clone();
        let found = self.wrap.look_up(key, sealed, (age, stamp), shape)?;
        Ok(match found {
            Some(lookup) => Found {
                lookup,
                stamp: Some(stamp),
                tags,
            },
            None => miss.into(),
        })
    }

    /// Asks about the tags of what was found, where that is not known: what carries one that was
    /// cleared is a miss.
    pub(super) async fn settle(
        &self,
        found: Vec<Result<Found>>,
        keys: &[CacheKey],
    ) -> Vec<Result<Lookup>> {
        let mut guards: HashMap<(&str, u64), Result<Option<u64>>> = HashMap::new();
        let mut unknown = Vec::new();
        for (key, found) in keys.iter().zip(&found) {
            let namespace = names::namespace_of(key.prefix());
            for (id, _) in found.iter().flat_map(|found| &found.tags) {
                guards.entry((namespace, *id)).or_insert_with(|| {
                    let known = self.known_tag(namespace, *id);
                    if known.is_none() {
                        unknown.push((namespace, *id));
                    }
                    Ok(known)
                });
            }
        }
        for (tag, guard) in self.ask_tags(unknown).await {
            guards.insert(tag, guard);
        }
        let settled = keys.iter().zip(found).map(|(key, found)| {
            let found = found?;
            let namespace = names::namespace_of(key.prefix());
            for (id, stamp) in &found.tags {
                let guard = guards.get(&(namespace, *id)).cloned().unwrap_or(Ok(None))?;
                if guard != Some(*stamp) || self.journal.owes_tag(namespace, *id) {
                    return Ok(Lookup::Miss(found.stamp));
                }
            }
            Ok(found.lookup)
        });
        settled.collect()
    }

    /// Asks about the guards of tags.
    async fn ask_tags<'n>(
        &self,
        tags: Vec<(&'n str, u64)>,
    ) -> Vec<((&'n str, u64), Result<Option<u64>>)> {
        let asked = self.books.tags.ask();
        let name =
            |(namespace, id): &(&str, u64)| names::scope_guard(&names::tag_scope(namespace, *id));
        let groups = by_slot(&self.router, tags, name);
        let requests = groups.iter().map(|group| {
            let names: Vec<_> = group.iter().map(name).collect();
            let mut cmd = redis::cmd("MGET");
            cmd.arg(names.as_slice());
            Request::new(cmd, &names[0])
        });
        let replies = self.router.send(requests.collect()).await;
        let mut answers = Vec::new();
        for (group, reply) in groups.into_iter().zip(replies) {
            let values = reply.and_then(|reply| match reply.value {
                Value::Array(values) if values.len() == group.len() => Ok(values),
                _ => Err(unexpected("`MGET`")),
            });
            for (place, tag) in group.into_iter().enumerate() {
                let guard = values.as_ref().map(|values| integer(&values[place]));
                if let Ok(Some(guard)) = guard {
                    self.books.tags.learn((tag.0.into(), tag.1), guard, asked);
                }
                answers.push((tag, guard.map_err(Error::clone)));
            }
        }
        answers
    }
}

/// Parts what is asked by slot, where that matters.
pub(super) fn by_slot<T>(
    router: &super::Router,
    items: Vec<T>,
    name: impl Fn(&T) -> String,
) -> Vec<Vec<T>> {
    if items.is_empty() {
        return Vec::new();
    }
    if !router.is_cluster() {
        return vec![items];
    }
    group_by_slot(items, name)
}

#[cfg(feature = "redis-cluster")]
fn group_by_slot<T>(items: Vec<T>, name: impl Fn(&T) -> String) -> Vec<Vec<T>> {
    let mut groups: std::collections::BTreeMap<u16, Vec<T>> = std::collections::BTreeMap::new();
    for item in items {
        let slot = names::slot(&name(&item));
        groups.entry(slot).or_default().push(item);
    }
    groups.into_values().collect()
}

#[cfg(not(feature = "redis-cluster"))]
fn group_by_slot<T>(items: Vec<T>, _: impl Fn(&T) -> String) -> Vec<Vec<T>> {
    vec![items]
}

/// Puts an answer where it belongs.
fn take(group: &[Part], reply: Result<Reply>, reads: &mut [Read], scopes: &mut ScopeGuards<'_>) {
    let answer = reply.and_then(|reply| match reply.value {
        Value::Array(values) if values.len() == group.len() => Ok((values, reply.clock)),
        _ => Err(unexpected("`MGET`")),
    });
    let (values, clock) = match answer {
        Ok(answer) => answer,
        Err(error) => return fail(group, &error, reads, scopes),
    };
    for (part, value) in group.iter().zip(values) {
        match part {
            Part::ScopeGuard(place) => scopes.take(*place, Ok(integer(&value))),
            Part::Guard(index) => reads[*index].guard = integer(&value),
            Part::Value(index) => {
                reads[*index].value = bytes(value);
                reads[*index].clock = Some(clock);
            }
        }
    }
}

fn fail(group: &[Part], error: &Error, reads: &mut [Read], scopes: &mut ScopeGuards<'_>) {
    for part in group {
        match part {
            Part::ScopeGuard(place) => scopes.take(*place, Err(error.clone())),
            Part::Guard(index) | Part::Value(index) => reads[*index].failure = Some(error.clone()),
        }
    }
}
