//! What happens by itself: eviction, the ends of lifetimes, time.

use crate::explorer::{Note, Steps, Who};
use crate::rules::{Rules, Stale};
use crate::world::{Entry, SCOPES};

fn note(what: &'static str) -> Note {
    Note::new(Who::Nature, what)
}

pub(crate) fn steps(rules: &Rules, steps: &mut Steps<'_>) {
    let now = *steps.now;
    let redis = now.redis;
    if redis.guard != 0 {
        let mut then = now;
        then.redis.guard = 0;
        steps.push(note("the guard is evicted"), then);
    }
    for scope in SCOPES.into_iter().filter(|scope| redis.scopes[*scope] != 0) {
        let mut then = now;
        then.redis.scopes[scope] = 0;
        steps.push(note("the guard of a scope is evicted"), then);
    }
    if redis.epoch != 0 {
        let mut then = now;
        then.redis.epoch = 0;
        steps.push(note("the epoch is evicted"), then);
    }
    if redis.entry.is_there {
        let mut then = now;
        then.redis.entry = Entry::default();
        steps.push(note("the value ends"), then);
    }
    if rules.stale != Stale::Dropped && redis.entry.is_there && !redis.entry.is_stale {
        let mut then = now;
        then.redis.entry.is_stale = true;
        steps.push(note("the value goes stale"), then);
    }
    if redis.lease != 0 && rules.lease.is_some_and(|lease| lease.expires) {
        let mut then = now;
        (then.redis.lease, then.redis.lease_of) = (0, 0);
        steps.push(note("the lease ends"), then);
    }
    if let Some(belief) = rules.belief {
        let mut then = now;
        for process in &mut then.processes {
            process.believed = [0; 3];
            process.floor = process.floor_later;
        }
        for reader in &mut then.readers {
            if reader.told != [0; 3] && !belief.dates_by_answer {
                reader.is_outdated = true;
            }
        }
        if then != now {
            steps.push(note("the lag passes"), then);
        }
    }
}
