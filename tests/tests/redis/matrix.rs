//! DESIGN §4.8 on real servers: what a caller gets, what the repository is asked, how long it takes
//! and what is stored afterwards, for every way in which Redis fails.

mod states;
mod table;

use super::support::{DEADLINE, SLACK, backend, named, service, stored, strict_or_not};
use cache_kit::FailurePolicy::{Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, FailurePolicy, RedisBackend, RedisConfig};
use cache_kit_tests::{Says, Source, until};
use std::time::Instant;
use table::{Case, Cell, Class, Gets, Holds, Repo, cases};

/// An invalidation and a permit may each take as long as an answer may.
const BOUND: std::time::Duration = DEADLINE.saturating_mul(2).saturating_add(SLACK);

/// A Redis that fails.
struct Stage {
    backend: RedisBackend,
    /// Sees what is stored when it is over.
    witness: RedisBackend,
}

impl Stage {
    async fn set(config: RedisConfig, witness: RedisConfig) -> Self {
        let stage = Self {
            backend: backend(config),
            witness: backend(witness),
        };
        let cache = service(&stage.backend);
        for (id, (_, case)) in all(Class::Well) {
            if case.holds == Holds::Old {
                cache.put(named(id, "old")).await.expect("it works");
            }
        }
        stage
    }

    /// Takes every case through, while Redis is as it is now.
    async fn play(&self, class: Class) {
        for (id, (policy, case)) in all(class) {
            let cache = strict_or_not(&self.backend, policy);
            let source = case.repo.source();
            let mut feeder = GenericFeeder::<cache_kit_tests::Person>::new(id);
            let begun = Instant::now();
            let got = cache.execute(&mut feeder, &source, case.strategy).await;
            let took = begun.elapsed();
            let gets = match got {
                Ok(()) => Gets::entity(feeder.entity.as_ref()),
                Err(error) => Gets::error(&error),
            };
            let Cell {
                gets: wanted,
                loads,
                ..
            } = case.cell;
            assert_eq!(
                (gets, source.loads()),
                (wanted, loads),
                "{policy:?}, {case:?}"
            );
            assert!(took < BOUND, "{policy:?}, {case:?} took {took:?}");
        }
    }

    /// Looks at what is stored when Redis is well again and knows of every invalidation.
    async fn conclude(&self, class: Class) {
        until("Redis is well and knows everything", || async {
            let is_well = self.witness.health().await.is_ok();
            (is_well && self.backend.pending_invalidations() == 0).then_some(())
        })
        .await;
        for (id, (policy, case)) in all(class) {
            let wanted = case.cell.left.name();
            let what = format!("{policy:?}, {case:?} leaves `{wanted}`");
            // What is stored behind the caller's back may not be there yet.
            until(&what, || async {
                let left = stored(&self.witness, id).await;
                left.is_ok_and(|left| left == wanted).then_some(())
            })
            .await;
        }
    }
}

/// All cases under both policies, each with a key of its own.
fn all(class: Class) -> impl Iterator<Item = (u64, (FailurePolicy, Case))> {
    let of = move |policy| {
        cases(class, policy)
            .into_iter()
            .map(move |case| (policy, case))
    };
    (1..).zip([Degrade, Propagate].into_iter().flat_map(of))
}

impl Repo {
    fn source(self) -> Source {
        Source::new(match self {
            Self::Has => Says::Has,
            Self::HasNot => Says::HasNot,
            Self::Down => Says::Fails(Error::RepositoryError("down".into())),
        })
    }
}
