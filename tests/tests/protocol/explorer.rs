//! Tries everything, breadth first: what is found is found on the shortest way.

use crate::rules::Rules;
use crate::world::World;
use crate::{nature, readers, writers};
use foldhash::HashSet;
use std::fmt;

/// So many states are more than any of the models should have.
const MOST: usize = 3_000_000;

/// What came of it.
pub(crate) enum Found {
    /// No fault in any state.
    Nothing { states: usize },
    /// What is wrong, and what happened until then.
    Fault { fault: String, way: Vec<String> },
}

/// Says who does what, and with which version.
#[derive(Clone, Copy)]
pub(crate) struct Note {
    pub(crate) who: Who,
    pub(crate) what: &'static str,
    pub(crate) version: Option<u8>,
}

#[derive(Clone, Copy)]
pub(crate) enum Who {
    Reader(usize),
    Writer(usize),
    Nature,
}

impl Note {
    pub(crate) fn new(who: Who, what: &'static str) -> Self {
        Self {
            who,
            what,
            version: None,
        }
    }

    pub(crate) fn of(mut self, version: u8) -> Self {
        self.version = Some(version);
        self
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.who {
            Who::Reader(number) => write!(f, "R{number} ")?,
            Who::Writer(number) => write!(f, "W{number} ")?,
            Who::Nature => {}
        }
        f.write_str(self.what)?;
        match self.version {
            Some(version) => write!(f, " v{version}"),
            None => Ok(()),
        }
    }
}

/// One thing that can happen.
pub(crate) struct Step {
    pub(crate) note: Note,
    pub(crate) then: World,
    /// What is wrong with it.
    pub(crate) fault: Option<String>,
}

/// Gathers what can happen in a state.
pub(crate) struct Steps<'w> {
    pub(crate) now: &'w World,
    steps: Vec<Step>,
}

impl Steps<'_> {
    /// Something happens, after which the world is like this.
    pub(crate) fn push(&mut self, note: Note, then: World) {
        self.check(note, then, None);
    }

    /// Something happens that may be wrong.
    pub(crate) fn check(&mut self, note: Note, then: World, fault: Option<String>) {
        self.steps.push(Step { note, then, fault });
    }
}

fn steps(rules: &Rules, now: &World) -> Vec<Step> {
    let mut steps = Steps {
        now,
        steps: Vec::new(),
    };
    readers::steps(rules, &mut steps);
    writers::steps(rules, &mut steps);
    nature::steps(rules, &mut steps);
    steps.steps
}

/// Visits every state that can be reached, until a fault is found.
pub(crate) fn explore(rules: &Rules) -> Found {
    let mut states = vec![(World::start(rules), 0_usize)];
    let mut known = HashSet::from_iter([states[0].0]);
    let mut next = 0;
    while let Some((world, _)) = states.get(next).copied() {
        if world.is_stuck() && rules.lease.is_some_and(|lease| !lease.expires) {
            let fault = "who waits, waits for nobody, and for ever".to_owned();
            return fault_at(rules, &states, next, None, fault);
        }
        for step in steps(rules, &world) {
            if let Some(fault) = step.fault {
                return fault_at(rules, &states, next, Some(step.note), fault);
            }
            let then = step.then.canonical();
            if known.insert(then) {
                states.push((then, next));
            }
        }
        assert!(states.len() < MOST, "the model is too large");
        next += 1;
    }
    Found::Nothing {
        states: states.len(),
    }
}

/// Tells the way to a fault, by going it again.
fn fault_at(
    rules: &Rules,
    states: &[(World, usize)],
    at: usize,
    last: Option<Note>,
    fault: String,
) -> Found {
    let mut places = vec![at];
    while let Some(place) = places.last().copied().filter(|place| *place != 0) {
        places.push(states[place].1);
    }
    places.reverse();
    let went = places.windows(2).map(|pair| {
        let (from, to) = (states[pair[0]].0, states[pair[1]].0);
        let mut ways = steps(rules, &from).into_iter();
        let step = ways.find(|step| step.then.canonical() == to);
        step.map(|step| step.note)
    });
    let notes = went.flatten().chain(last);
    Found::Fault {
        way: notes.map(|note| note.to_string()).collect(),
        fault,
    }
}
