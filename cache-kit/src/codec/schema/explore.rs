//! Runs a type's `Deserialize` again and again, until every variant was seen and every value that
//! was refused has been replaced by one that is not.

use super::probe::{Probe, Refused};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many runs are enough for hundreds of variants; a type that wants more is opaque from there
/// on.
const RUNS: usize = 4096;

/// What is said of a place that hides what is there.
pub(super) const OPAQUE: &str = " opaque";

/// Where in a type something is: which field of which element of which variant.
pub(super) type Path = Vec<u32>;

/// What was decided at a path: which variant, whether there is an element, which of the made-up
/// values.
pub(super) type Choices = HashMap<Path, u32>;

/// What all runs have seen.
#[derive(Default)]
pub(super) struct Seen {
    /// What the type asked for at each path.
    pub(super) tokens: BTreeMap<Path, String>,
    /// Runs that are still to be made.
    pub(super) waiting: VecDeque<Choices>,
}

/// Says what a type looks like to serde, as text that changes when the type does.
pub(super) fn describe<T: DeserializeOwned>() -> String {
    let mut seen = Seen::default();
    seen.waiting.push_back(Choices::new());
    for _ in 0..RUNS {
        let Some(choices) = seen.waiting.pop_front() else {
            break;
        };
        run::<T>(choices, &mut seen);
    }
    let mut text = String::new();
    for (path, token) in &seen.tokens {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{path:?} {token}");
    }
    text
}

/// Says what a type asks for first.
pub(super) fn outset<T: DeserializeOwned>() -> Option<String> {
    let mut seen = Seen::default();
    run::<T>(Choices::new(), &mut seen);
    let first = seen.tokens.remove(&Path::new())?;
    Some(first.trim_end_matches(OPAQUE).to_owned())
}

/// Runs the type's code once. It is the user's, and may do anything with what it is given; a panic
/// ends the run.
fn run<T: DeserializeOwned>(choices: Choices, seen: &mut Seen) {
    let mut probe = Probe::new(&choices, seen);
    let ended = catch_unwind(AssertUnwindSafe(|| T::deserialize(&mut probe).is_ok()));
    let refused = match ended {
        Ok(true) => return,
        Ok(false) => probe.refused(),
        Err(_) => None,
    };
    let Some(Refused { path, next }) = refused else {
        seen.tokens.entry(Path::new()).or_default().push_str(OPAQUE);
        return;
    };
    let mut choices = choices;
    choices.insert(path, next);
    // First, before variants that would be refused for the same reason.
    seen.waiting.push_front(choices);
}
