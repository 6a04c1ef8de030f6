//! The table: which failures of Redis are alike, and what comes of each.

use cache_kit::Error;
use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit_tests::Person;

/// What Redis can still do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Class {
    /// Everything.
    Well,
    /// Nothing.
    Out,
    /// It answers reads, and stores nothing.
    Unwritable,
}

/// What it holds before the call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Holds {
    Old,
    Nothing,
}

/// What the repository is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Repo {
    Has,
    HasNot,
    Down,
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gets {
    Old,
    New,
    None,
    CacheMiss,
    RepositoryError,
    /// An error of the backend, or that it took too long.
    Failure,
}

/// What is stored when Redis is well again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Left {
    Old,
    New,
    Absent,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) gets: Gets,
    pub(super) loads: usize,
    pub(super) left: Left,
}

impl Gets {
    pub(super) fn entity(person: Option<&Person>) -> Self {
        match person.map(|person| person.name.as_str()) {
            None => Self::None,
            Some("old") => Self::Old,
            Some("new") => Self::New,
            Some(other) => panic!("who is {other}?"),
        }
    }

    pub(super) fn error(error: &Error) -> Self {
        match error {
            Error::CacheMiss => Self::CacheMiss,
            Error::RepositoryError(_) => Self::RepositoryError,
            Error::BackendError(_) | Error::Timeout => Self::Failure,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

impl Left {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Absent => "absent",
            Self::Nothing => "nothing",
        }
    }
}

type Triple = (Gets, usize, Left);
type Row = (CacheStrategy, [Triple; 3]);
type Chapter = (&'static [FailurePolicy], Class, Holds, [Row; 4]);

/// The order of a row's cells.
const REPOS: [Repo; 3] = [Repo::Has, Repo::HasNot, Repo::Down];

const BOTH: &[FailurePolicy] = &[Degrade, Propagate];

#[rustfmt::skip]
const TABLE: &[Chapter] = {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    use Gets::{CacheMiss, Failure, New, None, Old, RepositoryError};
    use Left::{Absent, Nothing};
    &[
        // strategy      the repository has it       has it not                   is down
        (BOTH, Class::Well, Holds::Old, [
            (Refresh,    [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Fresh,      [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Invalidate, [(New, 1, Left::New),       (None, 1, Absent),           (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
        ]),
        (BOTH, Class::Well, Holds::Nothing, [
            (Refresh,    [(New, 1, Left::New),       (None, 1, Absent),           (RepositoryError, 1, Nothing)]),
            (Fresh,      [(CacheMiss, 0, Nothing),   (CacheMiss, 0, Nothing),     (CacheMiss, 0, Nothing)]),
            (Invalidate, [(New, 1, Left::New),       (None, 1, Absent),           (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
        ]),

        // It costs a load. An invalidation reaches Redis later.
        (&[Degrade], Class::Out, Holds::Old, [
            (Refresh,    [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
            (Fresh,      [(CacheMiss, 0, Left::Old), (CacheMiss, 0, Left::Old),   (CacheMiss, 0, Left::Old)]),
            (Invalidate, [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Degrade], Class::Out, Holds::Nothing, [
            (Refresh,    [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Fresh,      [(CacheMiss, 0, Nothing),   (CacheMiss, 0, Nothing),     (CacheMiss, 0, Nothing)]),
            (Invalidate, [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
        ]),
        // It ends the call. `Bypass` does not ask Redis.
        (&[Propagate], Class::Out, Holds::Old, [
            (Refresh,    [(Failure, 0, Left::Old),   (Failure, 0, Left::Old),     (Failure, 0, Left::Old)]),
            (Fresh,      [(Failure, 0, Left::Old),   (Failure, 0, Left::Old),     (Failure, 0, Left::Old)]),
            (Invalidate, [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Bypass,     [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Propagate], Class::Out, Holds::Nothing, [
            (Refresh,    [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Fresh,      [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Invalidate, [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Bypass,     [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
        ]),

        // What is there is a hit; a miss costs a load each time.
        (&[Degrade], Class::Unwritable, Holds::Old, [
            (Refresh,    [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Fresh,      [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Invalidate, [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Degrade], Class::Unwritable, Holds::Nothing, [
            (Refresh,    [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Fresh,      [(CacheMiss, 0, Nothing),   (CacheMiss, 0, Nothing),     (CacheMiss, 0, Nothing)]),
            (Invalidate, [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
            (Bypass,     [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
        ]),
        (&[Propagate], Class::Unwritable, Holds::Old, [
            (Refresh,    [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Fresh,      [(Old, 0, Left::Old),       (Old, 0, Left::Old),         (Old, 0, Left::Old)]),
            (Invalidate, [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Bypass,     [(New, 1, Left::Old),       (None, 1, Left::Old),        (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Propagate], Class::Unwritable, Holds::Nothing, [
            (Refresh,    [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Fresh,      [(CacheMiss, 0, Nothing),   (CacheMiss, 0, Nothing),     (CacheMiss, 0, Nothing)]),
            (Invalidate, [(Failure, 0, Nothing),     (Failure, 0, Nothing),       (Failure, 0, Nothing)]),
            (Bypass,     [(New, 1, Nothing),         (None, 1, Nothing),          (RepositoryError, 1, Nothing)]),
        ]),
    ]
};

/// One cell with what leads to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) holds: Holds,
    pub(super) strategy: CacheStrategy,
    pub(super) repo: Repo,
    pub(super) cell: Cell,
}

/// All cells of a class under a policy, in the same order for each class.
pub(super) fn cases(class: Class, policy: FailurePolicy) -> Vec<Case> {
    let mut cases = Vec::new();
    for (policies, of, holds, rows) in TABLE {
        if *of != class || !policies.contains(&policy) {
            continue;
        }
        for (strategy, cells) in rows {
            for (repo, (gets, loads, left)) in REPOS.into_iter().zip(*cells) {
                let cell = Cell { gets, loads, left };
                cases.push(Case {
                    holds: *holds,
                    strategy: *strategy,
                    repo,
                    cell,
                });
            }
        }
    }
    assert_eq!(cases.len(), 2 * 4 * 3, "{class:?}, {policy:?}");
    cases
}
