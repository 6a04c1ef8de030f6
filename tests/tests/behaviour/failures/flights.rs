//! What those who share a load are told when the cache fails it.

use super::{Gets, Left, SLOWNESS, left, service};
use cache_kit::FailurePolicy::{self, Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, Says, Source, soon};
use std::sync::Arc;

/// An error that everyone can be given.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(#[from] Error);

/// An error that must be made anew for everyone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Remade(#[from] Error);

/// An error that is nobody else's.
#[derive(Debug)]
struct Own(Error);

#[derive(Clone)]
struct Repo {
    cache: CacheService<Faulty>,
    source: Source,
}

impl Repo {
    #[cached]
    async fn find_shared(&self, id: u64) -> Result<Option<Person>, Shared> {
        Ok(self.source.fetch_by_id(&id).await?)
    }

    #[cached]
    async fn find_remade(&self, id: u64) -> Result<Option<Person>, Remade> {
        Ok(self.source.fetch_by_id(&id).await?)
    }

    #[cached]
    async fn find_own(&self, id: u64) -> Result<Option<Person>, Own> {
        self.source.fetch_by_id(&id).await.map_err(Own)
    }

    async fn execute(&self) -> Result<Option<Person>, Error> {
        let mut feeder = GenericFeeder::<Person>::new(1);
        self.cache
            .execute(&mut feeder, &self.source, CacheStrategy::Refresh)
            .await?;
        Ok(feeder.entity)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Execute,
    Shared,
    Remade,
    Own,
    GetOrLoad,
    LoadMany,
}

const APIS: [Api; 6] = [
    Api::Execute,
    Api::Shared,
    Api::Remade,
    Api::Own,
    Api::GetOrLoad,
    Api::LoadMany,
];

impl Api {
    async fn ask(self, repo: &Repo) -> Gets {
        let Repo { cache, source } = repo;
        let load = || source.fetch_by_id(&1);
        let copy = |person: Arc<Person>| (*person).clone();
        let found = match self {
            Self::Execute => repo.execute().await,
            Self::Shared => repo.find_shared(1).await.map_err(|error| error.0),
            Self::Remade => repo.find_remade(1).await.map_err(|error| error.0),
            Self::Own => repo.find_own(1).await.map_err(|error| error.0),
            Self::GetOrLoad => {
                let found = cache.get_or_load(&1, load).await;
                found.map(|person| person.map(copy))
            }
            Self::LoadMany => {
                let found = cache.load_many(&[1], source).await.remove(0);
                found.map(|person| person.map(copy))
            }
        };
        match found {
            Ok(person) => Gets::entity(person.as_ref()),
            Err(error) => Gets::error(&error),
        }
    }
}

/// A key that has been opened before: who comes reads its stamp, and finds the flight before anyone
/// opens again.
async fn opened(policy: FailurePolicy) -> (Repo, Faulty) {
    let backend = Faulty::default();
    let cache = service(&backend, policy);
    let source = Source::new(Says::Fails(Error::RepositoryError("down".into())));
    let repo = Repo { cache, source };
    repo.execute().await.unwrap_err();
    repo.source.set(Says::Has);
    (repo, backend)
}

async fn ten(repo: &Repo) -> Vec<Gets> {
    let all = (0..10).map(|_| Api::Execute.ask(repo));
    soon(futures::future::join_all(all)).await
}

#[tokio::test]
async fn all_on_a_flight_are_told_that_it_could_not_be_opened() {
    let (repo, backend) = opened(Propagate).await;
    let (loads, opens) = (repo.source.loads(), backend.calls(Operation::Open));
    backend.set(&[Operation::Open], Behaviour::Down);
    assert_eq!(ten(&repo).await, [Gets::BackendError; 10]);
    assert_eq!(repo.source.loads(), loads);
    assert_eq!(backend.calls(Operation::Open), opens + 1, "one for all");
    backend.set_all(Behaviour::Works);
    assert_eq!(ten(&repo).await, [Gets::New; 10], "nothing is left of it");
}

#[tokio::test]
async fn a_flight_that_could_not_be_opened_loads_for_all_where_that_is_nobodys_failure() {
    let (repo, backend) = opened(Degrade).await;
    let loads = repo.source.loads();
    backend.set(&[Operation::Open], Behaviour::Down);
    assert_eq!(ten(&repo).await, [Gets::New; 10]);
    assert_eq!(repo.source.loads(), loads + 1);
    assert_eq!(left(&backend).await, Left::Nothing);
}

#[tokio::test]
async fn all_on_a_flight_are_told_that_what_it_brought_could_not_be_stored() {
    let (repo, backend) = opened(Propagate).await;
    let loads = repo.source.loads();
    backend.set(&[Operation::Fill], Behaviour::Down);
    assert_eq!(ten(&repo).await, [Gets::BackendError; 10]);
    assert_eq!(repo.source.loads(), loads + 1);
    assert_eq!(left(&backend).await, Left::Nothing);
    backend.set_all(Behaviour::Works);
    assert_eq!(ten(&repo).await, [Gets::New; 10], "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn all_on_a_flight_are_told_of_the_step_that_took_too_long() {
    for slow in [Operation::Open, Operation::Fill] {
        let (repo, backend) = opened(Propagate).await;
        backend.set(&[slow], Behaviour::Slow(SLOWNESS));
        assert_eq!(ten(&repo).await, [Gets::Timeout; 10], "{slow:?}");
    }
}

/// Who leads and who follows, and what each gets of a failure of the cache.
async fn pair(leader: Api, follower: Api, broken: Operation) {
    let (repo, backend) = opened(Propagate).await;
    let loads = repo.source.loads();
    backend.set(&[broken], Behaviour::Down);
    let got = soon(futures::future::join(
        leader.ask(&repo),
        follower.ask(&repo),
    ))
    .await;
    let wanted = [leader, follower].map(|api| match api {
        Api::Own => Gets::New,
        _ => Gets::BackendError,
    });
    let case = format!("{follower:?} follows {leader:?}, no {broken:?}");
    assert_eq!(<[Gets; 2]>::from(got), wanted, "{case}");
    let most = if broken == Operation::Open { 1 } else { 2 };
    assert!(repo.source.loads() - loads <= most, "{case}");
}

#[tokio::test]
async fn whoever_leads_whoever_follows_is_told_of_the_caches_failure_as_it_is() {
    for leader in APIS {
        for follower in APIS {
            // Who cannot be told leads a flight that does not fail: there is nothing to pass on.
            if leader != Api::Own {
                pair(leader, follower, Operation::Open).await;
                pair(leader, follower, Operation::Fill).await;
            }
        }
    }
}

#[tokio::test]
async fn who_cannot_be_told_of_the_caches_failure_gives_those_who_follow_what_was_loaded() {
    for follower in APIS {
        for broken in [Operation::Open, Operation::Fill] {
            let (repo, backend) = opened(Propagate).await;
            backend.set(&[broken], Behaviour::Down);
            let both = futures::future::join(Api::Own.ask(&repo), follower.ask(&repo));
            assert_eq!(soon(both).await, (Gets::New, Gets::New), "{follower:?}");
        }
    }
}

#[tokio::test]
async fn a_repository_that_panics_takes_down_the_call_that_asked_it_and_no_other() {
    let (repo, _) = opened(Propagate).await;
    repo.source.set(Says::Panics);
    let spawn = || {
        let repo = repo.clone();
        tokio::spawn(async move { Api::Execute.ask(&repo).await })
    };
    let callers = [spawn(), spawn(), spawn()];
    let loads = repo.source.loads();
    while repo.source.loads() == loads {
        tokio::task::yield_now().await;
    }
    repo.source.set(Says::Has);
    let mut ends = Vec::new();
    for caller in callers {
        ends.push(soon(caller).await.map_err(|error| error.is_panic()));
    }
    ends.sort_by_key(Result::is_ok);
    assert_eq!(ends, [Err(true), Ok(Gets::New), Ok(Gets::New)]);
    assert_eq!(repo.source.loads(), loads + 2, "one took over for both");
}
