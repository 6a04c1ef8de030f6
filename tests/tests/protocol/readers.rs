//! Reading: look up, settle, open, load, stamp, fill; or wait for who does.

use crate::explorer::{Note, Steps, Who};
use crate::rules::{Join, Rules, Stale, Tag};
use crate::world::{
    At, Entry, NAMESPACE, PREFIX, Reader, SCOPES, TAG, Token, World, process_of_reader,
};

pub(crate) fn steps(rules: &Rules, steps: &mut Steps<'_>) {
    for reader in 0..rules.readers {
        one(rules, reader, steps);
    }
}

fn note(who: usize, what: &'static str) -> Note {
    Note::new(Who::Reader(who), what)
}

fn one(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let now = *steps.now;
    let reader = now.readers[who];
    let mut then = now;
    let own = &mut then.readers[who];
    match reader.at {
        At::Idle => {
            let floor = now.processes[process_of_reader(who)].floor;
            *own = Reader {
                floor,
                at: At::Read,
                ..Reader::default()
            };
            if rules.belief.is_some() {
                ask(rules, who, &mut then);
            }
            steps.push(note(who, "asks"), then);
        }
        At::Asked => {
            learn(rules, who, &mut then);
            then.readers[who].at = At::Read;
            steps.push(note(who, "learns what it asked of scopes"), then);
        }
        At::Read => look_up(rules, who, steps),
        At::Settle => {
            let found = Reader {
                at: At::Read,
                found: Entry::default(),
                ..reader
            };
            then.readers[who] = found;
            let is_valid = is_same(rules, reader.found.scopes[TAG], now.redis.scopes[TAG]);
            let entry = is_valid.then_some(reader.found);
            go_on(who, entry, then, steps);
        }
        At::Open => open(rules, who, steps),
        At::Scopes => open_scopes(rules, who, steps),
        At::Epoch => {
            then.readers[who].epoch = then.opened_epoch();
            then.readers[who].at = At::Load;
            steps.push(note(who, "opens the epoch"), then);
        }
        At::Load => load(rules, who, steps),
        At::TagAfter => {
            then.readers[who].scopes[TAG] = then.opened_scope(TAG);
            let is_last = matches!(rules.tag, Tag::FoundEpochFirst | Tag::FoundWithoutEpoch);
            then.readers[who].at = if is_last { At::Fill } else { At::EpochAfter };
            steps.push(note(who, "opens the tag that was found"), then);
        }
        At::EpochAfter => {
            if now.redis.epoch != 0 && now.redis.epoch == reader.epoch {
                own.epoch = 0;
                own.at = if rules.tag == Tag::FoundEpochFirst {
                    At::TagAfter
                } else {
                    At::Fill
                };
                steps.push(note(who, "finds the epoch unchanged"), then);
            } else {
                give_back(&mut then, who);
                finish(
                    who,
                    reader.version,
                    then,
                    "finds another epoch, stores nothing, and returns",
                    steps,
                );
            }
        }
        At::Fill => fill(rules, who, steps),
        At::Wait => wait(who, steps),
        // Reader 0 sees to it.
        At::Joined => {}
    }
    if rules.has_crashes && reader.at != At::Idle {
        let mut then = now;
        then.readers[who] = Reader::default();
        if who == 0 {
            // Who joined leads now.
            for other in &mut then.readers {
                if other.at == At::Joined {
                    other.at = At::Open;
                }
            }
        }
        steps.push(note(who, "is gone"), then);
    }
}

/// Asks about the scopes that are not believed, to remember them.
fn ask(rules: &Rules, who: usize, then: &mut World) {
    let believed = then.processes[process_of_reader(who)].believed;
    let mut has_asked = false;
    for scope in SCOPES.into_iter().filter(|scope| rules.has(*scope)) {
        if believed[scope] == 0 && then.redis.scopes[scope] != 0 {
            then.readers[who].told[scope] = then.redis.scopes[scope];
            has_asked = true;
        }
    }
    if has_asked {
        then.readers[who].at = At::Asked;
    }
}

fn learn(rules: &Rules, who: usize, then: &mut World) {
    let reader = &mut then.readers[who];
    let told = std::mem::take(&mut reader.told);
    let is_outdated = std::mem::take(&mut reader.is_outdated);
    let anything = rules.belief.is_some_and(|belief| belief.learns_anything);
    if is_outdated && !anything {
        return;
    }
    let process = &mut then.processes[process_of_reader(who)];
    for (believed, told) in process.believed.iter_mut().zip(told) {
        if told != 0 {
            *believed = told;
        }
    }
}

fn is_same(rules: &Rules, stamp: Token, guard: Token) -> bool {
    (guard != 0 && stamp == guard) || (rules.takes_missing_for_unchanged && guard == 0)
}

/// One `MGET`: guard, value, and the guards of the prefix and the namespace, unless they are
/// believed.
fn look_up(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let now = *steps.now;
    let entry = now.redis.entry;
    let believed = now.processes[process_of_reader(who)].believed;
    let guard_of = |scope: usize| match believed[scope] {
        0 => now.redis.scopes[scope],
        believed => believed,
    };
    let has_scope =
        |scope: usize| !rules.has(scope) || is_same(rules, entry.scopes[scope], guard_of(scope));
    let is_valid = entry.is_there && now.redis.guard != 0 && entry.stamp == now.redis.guard;
    let is_valid = is_valid && has_scope(PREFIX) && has_scope(NAMESPACE);
    let mut then = now;
    if is_valid && rules.has(TAG) {
        if believed[TAG] == 0 {
            then.readers[who].found = entry;
            then.readers[who].at = At::Settle;
            return steps.push(
                note(who, "MGET: has to ask about the tag of").of(entry.version),
                then,
            );
        }
        let entry = has_scope(TAG).then_some(entry);
        return go_on(who, entry, then, steps);
    }
    if !is_valid {
        let anything = rules.stale == Stale::Unchecked;
        if anything && entry.is_there && entry.is_stale {
            then.readers[who].spare = entry.version + 1;
        }
        join(rules, who, &then, steps);
    }
    go_on(who, is_valid.then_some(entry), then, steps);
}

/// Reader 2 may wait for what reader 0 loads, which is of its process.
fn join(rules: &Rules, who: usize, now: &World, steps: &mut Steps<'_>) {
    let flight = now.readers[0];
    let is_going = matches!(
        flight.at,
        At::Scopes | At::Epoch | At::Load | At::TagAfter | At::EpochAfter | At::Fill
    );
    let is_same = match rules.join {
        Join::Never => false,
        Join::ByStamp => now.redis.guard != 0 && flight.stamp == now.redis.guard,
        Join::ByKey => true,
    };
    if who == 2 && is_going && is_same {
        let mut then = *now;
        then.readers[who].at = At::Joined;
        steps.push(note(who, "MGET: nothing; joins R0"), then);
    }
}

/// What follows from what was found.
fn go_on(who: usize, entry: Option<Entry>, mut then: World, steps: &mut Steps<'_>) {
    let Some(entry) = entry else {
        then.readers[who].at = At::Open;
        return steps.push(note(who, "finds nothing"), then);
    };
    if !entry.is_stale {
        return finish(who, entry.version, then, "finds, and returns", steps);
    }
    // It serves while the next is loaded …
    let fault = too_old(&then, who, entry.version);
    let mut served = then;
    served.readers[who].has_returned = true;
    served.readers[who].at = At::Open;
    let returns = note(who, "finds stale, returns and refreshes").of(entry.version);
    steps.check(returns, served, fault);
    // … or where that fails.
    then.readers[who].spare = entry.version + 1;
    then.readers[who].at = At::Open;
    steps.push(note(who, "finds stale, and keeps").of(entry.version), then);
}

fn too_old(now: &World, who: usize, version: u8) -> Option<String> {
    let reader = now.readers[who];
    (!reader.has_returned && version < reader.floor).then(|| {
        format!(
            "R{who} returns v{version}, and v{} was told of before it came",
            reader.floor
        )
    })
}

/// Returns what was found or loaded.
fn finish(who: usize, version: u8, mut then: World, how: &'static str, steps: &mut Steps<'_>) {
    let mut fault = too_old(&then, who, version);
    then.readers[who] = Reader::default();
    if who == 0 {
        for other in 1..then.readers.len() {
            if then.readers[other].at == At::Joined {
                fault = fault.or_else(|| too_old(&then, other, version));
                then.readers[other] = Reader::default();
            }
        }
    }
    steps.check(note(who, how).of(version), then, fault);
}

fn give_back(then: &mut World, who: usize) {
    let lease = then.readers[who].lease;
    if lease != 0 && then.redis.lease == lease {
        (then.redis.lease, then.redis.lease_of) = (0, 0);
    }
}

fn open(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let mut then = *steps.now;
    let guard = then.opened_guard();
    let is_free = then.redis.lease == 0 || then.redis.lease_of != guard;
    match rules.lease {
        Some(lease) if !is_free => {
            let entry = then.redis.entry;
            if lease.loser_takes_anything && entry.is_there {
                return finish(
                    who,
                    entry.version,
                    then,
                    "OPEN: has no lease, and returns",
                    steps,
                );
            }
            if then.readers[who].has_returned {
                then.readers[who] = Reader::default();
                return steps.push(note(who, "OPEN: somebody refreshes it"), then);
            }
            then.readers[who].at = At::Wait;
            steps.push(note(who, "OPEN: no lease"), then);
        }
        lease => {
            if lease.is_some() {
                let owner = then.fresh();
                then.readers[who].lease = owner;
                (then.redis.lease, then.redis.lease_of) = (owner, guard);
            }
            then.readers[who].stamp = guard;
            let has_scopes = SCOPES.into_iter().any(|scope| rules.has(scope));
            then.readers[who].at = if has_scopes { At::Scopes } else { At::Load };
            steps.push(note(who, "OPEN"), then);
        }
    }
}

fn open_scopes(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let now = *steps.now;
    let mut then = now;
    let process = process_of_reader(who);
    for scope in SCOPES.into_iter().filter(|scope| rules.has(*scope)) {
        if scope == TAG && rules.tag.is_found() {
            continue;
        }
        // What is believed is stamped with, but for tags.
        let believed = now.processes[process].believed[scope];
        then.readers[who].scopes[scope] = if scope != TAG && believed != 0 {
            believed
        } else {
            then.opened_scope(scope)
        };
    }
    then.readers[who].at = if rules.tag.has_epoch() {
        At::Epoch
    } else {
        At::Load
    };
    steps.push(note(who, "opens the scopes"), then);
}

fn load(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let now = *steps.now;
    let oldest = if rules.loads_lag { 0 } else { now.committed };
    for version in oldest..=now.committed {
        let mut then = now;
        then.readers[who].version = version;
        then.readers[who].at = match rules.tag {
            _ if !rules.has(TAG) => At::Fill,
            Tag::None | Tag::Known => At::Fill,
            Tag::FoundEpochFirst => At::EpochAfter,
            _ => At::TagAfter,
        };
        steps.push(note(who, "loads").of(version), then);
    }
    if let Some(spare) = now.readers[who].spare.checked_sub(1) {
        let mut then = now;
        give_back(&mut then, who);
        finish(who, spare, then, "cannot load, and returns", steps);
    }
}

fn fill(rules: &Rules, who: usize, steps: &mut Steps<'_>) {
    let mut then = *steps.now;
    let reader = then.readers[who];
    let is_stored =
        rules.fills_blindly || (then.redis.guard != 0 && then.redis.guard == reader.stamp);
    if is_stored {
        then.redis.entry = Entry {
            is_there: true,
            version: reader.version,
            stamp: reader.stamp,
            scopes: reader.scopes,
            is_stale: false,
        };
    }
    give_back(&mut then, who);
    let how = if is_stored {
        "FILL: stores, and returns"
    } else {
        "FILL: is refused, and returns"
    };
    finish(who, reader.version, then, how, steps);
}

fn wait(who: usize, steps: &mut Steps<'_>) {
    let mut then = *steps.now;
    let redis = then.redis;
    let is_free = redis.lease == 0 || redis.lease_of != redis.guard;
    let is_loaded = redis.entry.is_there && redis.guard != 0 && redis.entry.stamp == redis.guard;
    if is_free || is_loaded {
        then.readers[who].at = At::Read;
        steps.push(note(who, "looks again"), then);
    }
}
