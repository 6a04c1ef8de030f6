//! Writing: commit, and tell Redis.

use crate::explorer::{Note, Steps, Who};
use crate::rules::{Act, Put, Rules, Tag};
use crate::world::{Entry, NAMESPACE, PREFIX, SCOPES, TAG, World, Writer, process_of_writer};

pub(crate) fn steps(rules: &Rules, steps: &mut Steps<'_>) {
    for (who, act) in rules.acts.iter().enumerate() {
        if !steps.now.writers[who].is_done {
            one(rules, who, *act, steps);
        }
    }
}

fn one(rules: &Rules, who: usize, act: Act, steps: &mut Steps<'_>) {
    let mut then = *steps.now;
    let at = then.writers[who].at;
    let what = match act {
        Act::Invalidate => invalidate(rules, who, at, &mut then),
        Act::Put => put(rules, who, at, &mut then),
        Act::ClearPrefix => clear(rules, who, at, PREFIX, &mut then),
        Act::ClearNamespace => clear(rules, who, at, NAMESPACE, &mut then),
        Act::ClearTag => clear(rules, who, at, TAG, &mut then),
    };
    steps.push(Note::new(Who::Writer(who), what), then);
}

fn commit(who: usize, then: &mut World) -> &'static str {
    then.committed += 1;
    then.writers[who].version = then.committed;
    "commits"
}

/// The write is acknowledged to whoever called for it: from now on nobody may be given an older
/// version.
fn acknowledge(who: usize, then: &mut World) {
    let version = then.writers[who].version;
    for process in &mut then.processes {
        process.floor = process.floor.max(version);
        process.floor_later = process.floor_later.max(version);
    }
    end(who, then);
}

fn end(who: usize, then: &mut World) {
    then.writers[who] = Writer {
        is_done: true,
        ..Writer::default()
    };
}

fn invalidate(rules: &Rules, who: usize, at: u8, then: &mut World) -> &'static str {
    let is_commit = (at == 0) != rules.invalidates_early;
    let is_last = at == 1;
    let what = if is_commit {
        commit(who, then)
    } else {
        then.redis.guard = 0;
        "DEL guard"
    };
    if is_last {
        acknowledge(who, then);
    } else {
        then.writers[who].at = 1;
    }
    what
}

fn put(rules: &Rules, who: usize, at: u8, then: &mut World) -> &'static str {
    let is_late = rules.put == Put::OpenedLate;
    let step = if is_late {
        [3, 0, 1, 2, 4, 5, 6]
    } else {
        [0, 1, 2, 3, 4, 5, 6]
    }[usize::from(at)];
    then.writers[who].at += 1;
    match step {
        0 => {
            then.writers[who].guard = if rules.put == Put::MissingIsUnchanged {
                then.redis.guard
            } else {
                then.opened_guard()
            };
            "opens the key"
        }
        1 => {
            for scope in SCOPES.into_iter().filter(|scope| rules.has(*scope)) {
                if scope != TAG || rules.tag == Tag::Known {
                    then.writers[who].scopes[scope] = then.opened_scope(scope);
                }
            }
            "opens the scopes"
        }
        2 => {
            if rules.has(TAG) && rules.tag.has_epoch() {
                then.writers[who].epoch = then.opened_epoch();
            }
            "opens the epoch"
        }
        3 => commit(who, then),
        4 => {
            if rules.has(TAG) && rules.tag.is_found() {
                then.writers[who].scopes[TAG] = then.opened_scope(TAG);
            }
            "opens the tag that was found"
        }
        5 if rules.has(TAG)
            && rules.tag.has_epoch()
            && (then.redis.epoch == 0 || then.redis.epoch != then.writers[who].epoch) =>
        {
            then.redis.guard = 0;
            acknowledge(who, then);
            "finds another epoch: DEL guard"
        }
        5 => "finds the epoch unchanged",
        _ => store(rules, who, then),
    }
}

fn store(rules: &Rules, who: usize, then: &mut World) -> &'static str {
    let writer = then.writers[who];
    let is_unchanged = then.redis.guard == writer.guard
        && (writer.guard != 0 || rules.put == Put::MissingIsUnchanged);
    if is_unchanged || rules.put == Put::Blind {
        let guard = match rules.put {
            Put::SameGuard => writer.guard,
            _ => then.fresh(),
        };
        then.redis.guard = guard;
        then.redis.entry = Entry {
            is_there: true,
            version: writer.version,
            stamp: guard,
            scopes: writer.scopes,
            is_stale: false,
        };
        acknowledge(who, then);
        "PUT: stores it"
    } else {
        then.redis.guard = 0;
        acknowledge(who, then);
        "PUT: something came between; DEL guard"
    }
}

/// Forgets a scope, and what is on its way about it.
fn forget(who: usize, scope: usize, then: &mut World) {
    let process = process_of_writer(who);
    then.processes[process].believed[scope] = 0;
    for (reader, state) in then.readers.iter_mut().enumerate() {
        if crate::world::process_of_reader(reader) == process {
            state.is_outdated = state.told != [0; 3];
        }
    }
}

fn clear(rules: &Rules, who: usize, at: u8, scope: usize, then: &mut World) -> &'static str {
    let belief = rules.belief;
    let is_tag = scope == TAG;
    // A tag's epoch ends first.
    let drops_tag = if rules.tag == Tag::FoundDroppedFirst {
        2
    } else {
        3
    };
    then.writers[who].at += 1;
    match at {
        0 => commit(who, then),
        1 => {
            if belief.is_some_and(|belief| belief.forgets_before) {
                forget(who, scope, then);
            }
            "forgets the scope"
        }
        2 | 3 if is_tag && at != drops_tag => {
            then.redis.epoch = 0;
            "DEL epoch"
        }
        2 if !is_tag => "has no epoch to end",
        2 | 3 => {
            then.redis.scopes[scope] = 0;
            "DEL scope"
        }
        _ => {
            if belief.is_none_or(|belief| belief.forgets_after) {
                forget(who, scope, then);
            }
            acknowledge_clear(rules, who, then);
            "forgets the scope again; it is cleared"
        }
    }
}

/// Where scopes are believed for a while, other processes may be that late.
fn acknowledge_clear(rules: &Rules, who: usize, then: &mut World) {
    if rules.belief.is_none() {
        return acknowledge(who, then);
    }
    let version = then.writers[who].version;
    for (process, state) in then.processes.iter_mut().enumerate() {
        state.floor_later = state.floor_later.max(version);
        if process == process_of_writer(who) {
            state.floor = state.floor.max(version);
        }
    }
    end(who, then);
}
