//! The same table for every other way to read through the cache.

use super::table::{Case, cases};
use super::{Gets, Left, Store, arrange, left, service};
use cache_kit::FailurePolicy::{Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, Found, Result};
use cache_kit_tests::{Faulty, Person, Says, Source};
use std::sync::Arc;
use tokio::time::Instant;

/// Can be made from the cache's error.
#[derive(Debug, thiserror::Error)]
enum Open {
    #[error("of the cache: {0}")]
    Cache(#[from] Error),
    #[error("of the repository: {0}")]
    Repository(Error),
}

/// Cannot.
#[derive(Debug)]
struct Shut(Error);

struct Repo {
    cache: CacheService<Faulty>,
    source: Source,
}

impl Repo {
    #[cached(strategy = strategy)]
    async fn find(&self, id: u64, strategy: CacheStrategy) -> Result<Option<Person>, Open> {
        self.source.fetch_by_id(&id).await.map_err(Open::Repository)
    }

    #[cached(strategy = strategy)]
    async fn find_shut(&self, id: u64, strategy: CacheStrategy) -> Result<Option<Person>, Shut> {
        self.source.fetch_by_id(&id).await.map_err(Shut)
    }

    /// Cannot say that there is nobody, and so has no word for a `Fresh` miss but the error.
    #[cached(strategy = strategy)]
    async fn find_strict(&self, id: u64, strategy: CacheStrategy) -> Result<Person, Open> {
        let found = self.source.fetch_by_id(&id).await;
        let absent = || Error::RepositoryError("nobody".into());
        found
            .and_then(|found| found.ok_or_else(absent))
            .map_err(Open::Repository)
    }
}

/// A way to read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Expander,
    Cached,
    CachedShut,
    CachedStrict,
    GetOrLoad,
    GetOrLoadShut,
    GetOrLoadMany,
    GetOrLoadManyShut,
    LoadMany,
    Get,
    LookUp,
    GetMany,
}

fn seen<P: AsRef<Person>>(found: Result<Option<P>>) -> Gets {
    match found {
        Ok(person) => Gets::entity(person.as_ref().map(AsRef::as_ref)),
        Err(error) => Gets::error(&error),
    }
}

fn owned(found: Result<Option<Person>>) -> Gets {
    seen(found.map(|person| person.map(Arc::new)))
}

/// The row that was asked for alone.
fn alone<A>(answers: Vec<A>) -> A {
    let [answer] = <[A; 1]>::try_from(answers).unwrap_or_else(|_| panic!("one key, one answer"));
    answer
}

fn inner(error: Open) -> Error {
    match error {
        Open::Cache(error) | Open::Repository(error) => error,
    }
}

impl Api {
    /// Whether it has this case, and what differs from the feeder's.
    fn expects(self, case: &Case) -> Option<Gets> {
        use CacheStrategy::{Fresh, Refresh};
        let has_case = match self {
            Self::GetOrLoadMany | Self::GetOrLoadManyShut | Self::LoadMany => {
                case.strategy == Refresh
            }
            Self::Get | Self::LookUp | Self::GetMany => case.strategy == Fresh,
            _ => true,
        };
        let (gets, ..) = case.cell;
        let gets = match (self, gets) {
            // These say that nothing is cached as they say that there is nobody.
            (
                Self::Cached
                | Self::CachedShut
                | Self::GetOrLoad
                | Self::GetOrLoadShut
                | Self::Get
                | Self::GetMany,
                Gets::CacheMiss,
            ) => Gets::None,
            (Self::CachedStrict, Gets::None) => return None,
            (_, gets) => gets,
        };
        has_case.then_some(gets)
    }

    async fn ask(self, repo: &Repo, strategy: CacheStrategy) -> Gets {
        let Repo { cache, source } = repo;
        let one = || source.fetch_by_id(&1);
        let shut = || async { source.fetch_by_id(&1).await.map_err(Shut) };
        let many = async |ids: Vec<u64>| source.fetch_by_ids(&ids).await;
        let many_shut = async |ids: Vec<u64>| source.fetch_by_ids(&ids).await.map_err(Shut);
        match self {
            Self::Expander => expand(repo, strategy).await,
            Self::Cached => owned(repo.find(1, strategy).await.map_err(inner)),
            Self::CachedShut => owned(repo.find_shut(1, strategy).await.map_err(|error| error.0)),
            Self::CachedStrict => {
                let found = repo.find_strict(1, strategy).await;
                owned(found.map(Some).map_err(inner))
            }
            Self::GetOrLoad => seen(cache.get_or_load_with(strategy, &1, one).await),
            Self::GetOrLoadShut => {
                let found = cache.get_or_load_with(strategy, &1, shut).await;
                seen(found.map_err(|error| error.0))
            }
            Self::GetOrLoadMany => seen(cache.get_or_load_many(&[1], many).await.map(alone)),
            Self::GetOrLoadManyShut => {
                let found = cache.get_or_load_many(&[1], many_shut).await;
                seen(found.map(alone).map_err(|error| error.0))
            }
            Self::LoadMany => seen(alone(cache.load_many(&[1], source).await)),
            Self::Get => seen(cache.get::<Person>(&1).await),
            Self::LookUp => match cache.look_up::<Person>(&1).await {
                Ok(Found::Miss) => Gets::CacheMiss,
                found => seen(found.map(Found::into_option)),
            },
            Self::GetMany => seen(alone(cache.get_many::<Person>(&[1]).await)),
        }
    }
}

async fn expand(repo: &Repo, strategy: CacheStrategy) -> Gets {
    let expander = CacheExpander::from(repo.cache.clone());
    let mut feeder = GenericFeeder::<Person>::new(1);
    let source = Arc::new(repo.source.clone());
    let fed = expander.with_shared(&mut feeder, source, strategy).await;
    owned(fed.map(|()| feeder.entity))
}

/// Takes one way through all cases of a policy; `told` is the policy as the way can follow it.
async fn check(api: Api, policy: FailurePolicy, told: FailurePolicy) {
    let mut count = 0;
    for case in cases(told) {
        let Some(gets) = api.expects(&case) else {
            continue;
        };
        count += 1;
        let backend = arrange(case.store).await;
        let repo = Repo {
            cache: service(&backend, policy),
            source: case.repo.source(),
        };
        let begun = Instant::now();
        let got = api.ask(&repo, case.strategy).await;
        let took = begun.elapsed();
        let (_, loads, stored) = case.cell;
        let all = (got, repo.source.loads(), left(&backend).await, took);
        let wanted = (gets, loads, stored, case.time);
        assert_eq!(all, wanted, "{api:?}, {policy:?}: {case:?}");
    }
    assert!(count >= 15, "{api:?} has {count} cases");
}

#[tokio::test(start_paused = true)]
async fn every_api_does_what_the_table_says_of_its_policy() {
    use Api::{
        Cached, CachedStrict, Expander, Get, GetMany, GetOrLoad, GetOrLoadMany, LoadMany, LookUp,
    };
    for api in [
        Expander,
        Cached,
        CachedStrict,
        GetOrLoad,
        GetOrLoadMany,
        LoadMany,
        Get,
        LookUp,
        GetMany,
    ] {
        check(api, Degrade, Degrade).await;
        check(api, Propagate, Propagate).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whose_error_cannot_carry_the_caches_degrades_whatever_the_policy() {
    for api in [Api::CachedShut, Api::GetOrLoadShut, Api::GetOrLoadManyShut] {
        check(api, Degrade, Degrade).await;
        check(api, Propagate, Degrade).await;
    }
}

#[tokio::test]
async fn a_corrupt_entry_of_one_key_is_not_the_failure_of_another() {
    let backend = arrange(Store::Corrupt).await;
    let (cache, source) = (service(&backend, Propagate), Source::default());
    let found = cache.load_many(&[1, 2, 3], &source).await;
    let found: Vec<_> = found.into_iter().map(seen).collect();
    assert_eq!(found, [Gets::DeserializationError, Gets::Old, Gets::New]);
    let found = cache.get_many::<Person>(&[1, 2, 3]).await;
    let found: Vec<_> = found.into_iter().map(seen).collect();
    assert_eq!(found, [Gets::DeserializationError, Gets::Old, Gets::New]);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_call_for_many_that_has_one_answer_for_all_ends_with_the_first_failure() {
    let backend = arrange(Store::Corrupt).await;
    let (cache, source) = (service(&backend, Propagate), Source::default());
    let many = async |ids: Vec<u64>| source.fetch_by_ids(&ids).await;
    let found = cache
        .get_or_load_many::<Person, _, _>(&[2, 1, 3], many)
        .await;
    assert!(
        matches!(found, Err(Error::DeserializationError(_))),
        "{found:?}"
    );
    assert_eq!(source.loads(), 0);
}

#[tokio::test]
async fn a_repository_that_returns_somebody_else_has_failed_and_nothing_is_stored() {
    let backend = arrange(Store::Empty).await;
    let repo = Repo {
        cache: service(&backend, Degrade),
        source: Source::new(Says::Another),
    };
    for api in [Api::Expander, Api::LoadMany] {
        let got = api.ask(&repo, CacheStrategy::Refresh).await;
        assert_eq!(got, Gets::RepositoryError, "{api:?}");
        assert_eq!(left(&backend).await, Left::Nothing, "{api:?}");
        assert_eq!(repo.cache.get::<Person>(&2).await.unwrap(), None);
    }
}
