//! The table, and a feeder that is taken through it.

use super::{DEADLINE, Gets, Left, Repo, SLOWNESS, Store, arrange, left, old, service};
use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit_tests::Person;
use tokio::time::{Duration, Instant};

/// What the caller gets, how often the repository is asked, and what is stored afterwards.
pub(super) type Cell = (Gets, usize, Left);

/// One strategy: how long the call takes whatever the repository says, and a cell for each thing
/// that it may say.
type Row = (CacheStrategy, Duration, [Cell; 3]);

type Chapter = (&'static [FailurePolicy], Store, [Row; 4]);

/// The order of a row's cells.
const REPOS: [Repo; 3] = [Repo::Has, Repo::HasNot, Repo::Down];

const BOTH: &[FailurePolicy] = &[Degrade, Propagate];
const AT_ONCE: Duration = Duration::ZERO;
/// The read is given up, and the backend not asked again.
const ONE_STEP: Duration = DEADLINE;
/// An invalidation is never cut short; the permit after it is.
const TO_INVALIDATE: Duration = SLOWNESS.saturating_add(DEADLINE);

#[rustfmt::skip]
const TABLE: &[Chapter] = {
    use CacheStrategy::{Bypass, Fresh, Invalidate, Refresh};
    use Gets::{BackendError, CacheMiss, DeserializationError, None, New, Old, RepositoryError, Timeout};
    use Left::{Absent, Damaged, Nothing};
    &[
        // strategy, time the repository has it has it not is down
        (BOTH, Store::Full, [
            (Refresh,    AT_ONCE,       [(Old, 0, Left::Old),          (Old, 0, Left::Old),           (Old, 0, Left::Old)]),
            (Fresh,      AT_ONCE,       [(Old, 0, Left::Old),          (Old, 0, Left::Old),           (Old, 0, Left::Old)]),
            (Invalidate, AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
        ]),
        (BOTH, Store::Empty, [
            (Refresh,    AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Nothing)]),
            (Fresh,      AT_ONCE,       [(CacheMiss, 0, Nothing),      (CacheMiss, 0, Nothing),       (CacheMiss, 0, Nothing)]),
            (Invalidate, AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Nothing),            (None, 1, Nothing),            (RepositoryError, 1, Nothing)]),
        ]),

        // A cache that fails costs a load. What it holds meanwhile nobody can change, nor replace.
        (&[Degrade], Store::Down, [
            (Refresh,    AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
            (Fresh,      AT_ONCE,       [(CacheMiss, 0, Left::Old),    (CacheMiss, 0, Left::Old),     (CacheMiss, 0, Left::Old)]),
            (Invalidate, AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
            (Bypass,     AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Degrade], Store::Slow, [
            (Refresh,    ONE_STEP,      [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
            (Fresh,      ONE_STEP,      [(CacheMiss, 0, Left::Old),    (CacheMiss, 0, Left::Old),     (CacheMiss, 0, Left::Old)]),
            (Invalidate, TO_INVALIDATE, [(New, 1, Nothing),            (None, 1, Nothing),            (RepositoryError, 1, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Degrade], Store::Corrupt, [
            (Refresh,    AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Damaged)]),
            (Fresh,      AT_ONCE,       [(CacheMiss, 0, Damaged),      (CacheMiss, 0, Damaged),       (CacheMiss, 0, Damaged)]),
            (Invalidate, AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Damaged),            (None, 1, Damaged),            (RepositoryError, 1, Damaged)]),
        ]),

        // A cache that fails ends the call, before the repository is asked. `Bypass` does not ask
        // the cache.
        (&[Propagate], Store::Down, [
            (Refresh,    AT_ONCE,       [(BackendError, 0, Left::Old), (BackendError, 0, Left::Old),  (BackendError, 0, Left::Old)]),
            (Fresh,      AT_ONCE,       [(BackendError, 0, Left::Old), (BackendError, 0, Left::Old),  (BackendError, 0, Left::Old)]),
            (Invalidate, AT_ONCE,       [(BackendError, 0, Left::Old), (BackendError, 0, Left::Old),  (BackendError, 0, Left::Old)]),
            (Bypass,     AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
        ]),
        (&[Propagate], Store::Slow, [
            (Refresh,    ONE_STEP,      [(Timeout, 0, Left::Old),      (Timeout, 0, Left::Old),       (Timeout, 0, Left::Old)]),
            (Fresh,      ONE_STEP,      [(Timeout, 0, Left::Old),      (Timeout, 0, Left::Old),       (Timeout, 0, Left::Old)]),
            (Invalidate, TO_INVALIDATE, [(Timeout, 0, Nothing),        (Timeout, 0, Nothing),         (Timeout, 0, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Left::Old),          (None, 1, Left::Old),          (RepositoryError, 1, Left::Old)]),
        ]),
        // What is corrupt is found by a read only: an `Invalidate` drops it unseen.
        (&[Propagate], Store::Corrupt, [
            (Refresh,    AT_ONCE,       [(DeserializationError, 0, Damaged), (DeserializationError, 0, Damaged), (DeserializationError, 0, Damaged)]),
            (Fresh,      AT_ONCE,       [(DeserializationError, 0, Damaged), (DeserializationError, 0, Damaged), (DeserializationError, 0, Damaged)]),
            (Invalidate, AT_ONCE,       [(New, 1, Left::New),          (None, 1, Absent),             (RepositoryError, 1, Nothing)]),
            (Bypass,     AT_ONCE,       [(New, 1, Damaged),            (None, 1, Damaged),            (RepositoryError, 1, Damaged)]),
        ]),
    ]
};

/// One cell with what leads to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) store: Store,
    pub(super) strategy: CacheStrategy,
    pub(super) repo: Repo,
    pub(super) time: Duration,
    pub(super) cell: Cell,
}

/// All cells of a policy, one after the other.
pub(super) fn cases(policy: FailurePolicy) -> Vec<Case> {
    let chapters = TABLE
        .iter()
        .filter(|(policies, ..)| policies.contains(&policy));
    let mut cases = Vec::new();
    for (_, store, rows) in chapters {
        for (strategy, time, cells) in rows {
            cases.extend(REPOS.into_iter().zip(*cells).map(|(repo, cell)| Case {
                store: *store,
                strategy: *strategy,
                repo,
                time: *time,
                cell,
            }));
        }
    }
    cases
}

#[test]
fn the_table_has_every_case() {
    for policy in [Degrade, Propagate] {
        let cases = cases(policy);
        assert_eq!(cases.len(), 5 * 4 * 3, "{policy:?}");
    }
}

/// What a feeder holds after a call: what the caller gets. A `Fresh` miss feeds `None`; any other
/// failure leaves it as it was.
fn fed(gets: Gets, before: &Person) -> Option<Gets> {
    match gets {
        Gets::Old | Gets::New => Some(gets),
        Gets::None | Gets::CacheMiss => None,
        _ => Some(Gets::entity(Some(before))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_feeder_gets_what_the_table_says() {
    for policy in [Degrade, Propagate] {
        for case in cases(policy) {
            let backend = arrange(case.store).await;
            let (cache, source) = (service(&backend, policy), case.repo.source());
            // Told from what it may be fed with by its key.
            let before = old(99);
            let mut feeder = GenericFeeder::<Person>::new(1);
            feeder.entity = Some(before.clone());
            let begun = Instant::now();
            let got = cache.execute(&mut feeder, &source, case.strategy).await;
            let took = begun.elapsed();
            let is_untouched = feeder.entity.as_ref() == Some(&before);
            let held = feeder.entity.as_ref();
            let seen = match &got {
                Ok(()) => Gets::entity(held),
                Err(error) => Gets::error(error),
            };
            let cell = (seen, source.loads(), left(&backend).await);
            assert_eq!(cell, case.cell, "{policy:?}, {case:?}");
            assert_eq!(took, case.time, "{policy:?}, {case:?}");
            let is_to_be_untouched = got.is_err() && seen != Gets::CacheMiss;
            assert_eq!(
                is_untouched, is_to_be_untouched,
                "{policy:?}, {case:?}: {held:?}"
            );
            let held = held.map(|held| Gets::entity(Some(held)));
            assert_eq!(held, fed(seen, &before), "{policy:?}, {case:?}");
        }
    }
}
