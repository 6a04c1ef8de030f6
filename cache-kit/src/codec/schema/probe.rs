//! A deserializer that has no input: it makes up what it is asked for, and notes what that was.

mod access;
mod deserialize;

use super::explore::{Choices, OPAQUE, Path, Seen};
use access::Parts;
use serde::de::{Error, Visitor};
use std::fmt;

/// How often a type may be within itself before that is called recursion: once, for `Page<Page<T>>`
/// is none.
const NESTING: usize = 2;

/// No type that is not recursive is deeper.
const DEPTH: usize = 64;

/// Texts that types which parse theirs may take.
const TEXTS: &[&str] = &[
    "",
    "a",
    "0",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "a@example.com",
    "https://example.com/",
    "EUR",
    "en",
    "UTC",
    "P1D",
    "1.0.0",
];

/// Lengths that types which are bytes may take.
const LENGTHS: &[usize] = &[0, 1, 4, 8, 12, 16, 20, 32, 64];

/// One run.
pub(super) struct Probe<'s> {
    choices: &'s Choices,
    seen: &'s mut Seen,
    path: Path,
    /// The named types that are being read, from the outermost in, told apart by where the names of
    /// their parts are.
    within: Vec<(&'static str, *const &'static str)>,
    /// The choices that enclose what is being read.
    open: Vec<Choice>,
    last: Option<Leaf>,
    is_recursive: bool,
}

#[derive(Clone)]
struct Choice {
    path: Path,
    taken: u32,
    of: u32,
}

/// The value that was made up last, and what enclosed it: the suspect, when the type takes no more.
struct Leaf {
    choice: Choice,
    open: Vec<Choice>,
}

/// What to do otherwise in the next run.
pub(super) struct Refused {
    pub(super) path: Path,
    pub(super) next: u32,
}

#[derive(Debug)]
pub(super) struct Stop;

impl<'s> Probe<'s> {
    pub(super) fn new(choices: &'s Choices, seen: &'s mut Seen) -> Self {
        Self {
            choices,
            seen,
            path: Path::new(),
            within: Vec::new(),
            open: Vec::new(),
            last: None,
            is_recursive: false,
        }
    }

    /// Says what might help after a run that failed: another value in the last place, else less of
    /// what encloses it.
    pub(super) fn refused(&mut self) -> Option<Refused> {
        let (suspect, open) = match self.last.take() {
            Some(leaf) if !self.is_recursive => (Some(leaf.choice), leaf.open),
            _ => (None, std::mem::take(&mut self.open)),
        };
        if let Some(leaf) = suspect {
            if leaf.taken + 1 < leaf.of {
                return Some(leaf.next());
            }
            self.seen
                .tokens
                .entry(leaf.path)
                .or_default()
                .push_str(OPAQUE);
        }
        let enclosing = open
            .into_iter()
            .rev()
            .find(|choice| choice.taken + 1 < choice.of);
        enclosing.map(Choice::next)
    }

    fn note(&mut self, token: impl FnOnce() -> String) {
        if !self.seen.tokens.contains_key(&self.path) {
            self.seen.tokens.insert(self.path.clone(), token());
        }
    }

    /// Takes the decision that is due here.
    fn choose(&self, of: usize) -> Choice {
        Choice {
            path: self.path.clone(),
            taken: self.choices.get(&self.path).copied().unwrap_or(0),
            of: u32::try_from(of).unwrap_or(u32::MAX),
        }
    }

    /// Reads a value that is made up; returns which one.
    fn leaf(&mut self, name: &str, of: usize) -> usize {
        self.note(|| name.to_owned());
        let choice = self.choose(of);
        let taken = choice.taken;
        self.last = Some(Leaf {
            choice,
            open: self.open.clone(),
        });
        taken as usize
    }

    /// Reads what is below, at a place of its own.
    fn below<R>(&mut self, place: u32, read: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(place);
        let result = read(self);
        self.path.pop();
        result
    }

    /// Reads what may be there or not, or be one of several.
    fn chosen<R>(
        &mut self,
        of: usize,
        read: impl FnOnce(&mut Self, u32) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let choice = self.choose(of);
        let taken = choice.taken;
        self.open.push(choice);
        let result = read(self, taken);
        // A failure is looked into later: what encloses it is then still known.
        if result.is_ok() {
            self.open.pop();
        }
        result
    }

    /// Reads a type with a name, unless it is within itself once too often.
    fn named<R>(
        &mut self,
        name: &'static str,
        parts: &'static [&'static str],
        read: impl FnOnce(&mut Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let id = (name, parts.as_ptr());
        let nesting = self.within.iter().filter(|outer| **outer == id).count();
        if nesting >= NESTING || self.path.len() > DEPTH {
            self.note(|| format!("^{name}"));
            self.is_recursive = true;
            return Err(Stop);
        }
        self.note(|| format!("{name}{parts:?}"));
        self.within.push(id);
        let result = read(self);
        self.within.pop();
        result
    }

    fn parts<'de, V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Parts {
            probe: self,
            at: 0,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }
}

impl Choice {
    fn next(self) -> Refused {
        Refused {
            path: self.path,
            next: self.taken + 1,
        }
    }
}

impl Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Stop {}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing that can be made up fits")
    }
}
