//! Errors: what they say, what they do not say, what is behind them, and what becomes of them when
//! they are shared.

use cache_kit::FailurePolicy::Propagate;
use cache_kit::prelude::*;
use cache_kit::{Cause, Error};
use cache_kit_tests::{Faulty, Hermit, Person, Says, Shy, Source, soon};
use std::error::Error as _;
use std::sync::{Arc, Mutex};

/// What the user's database says.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("no connection")]
struct Refused;

/// Each variant that has a cause, with one.
fn with_cause(cause: impl Fn() -> Cause) -> [Error; 6] {
    [
        Error::SerializationError(cause()),
        Error::DeserializationError(cause()),
        Error::RepositoryError(cause()),
        Error::BackendError(cause()),
        Error::ValidationError(cause()),
        Error::ConfigError(cause()),
    ]
}

#[test]
fn every_error_says_what_failed_and_why() {
    let said: Vec<_> = with_cause(|| Refused.into())
        .into_iter()
        .chain([Error::CacheMiss, Error::Timeout])
        .map(|error| error.to_string())
        .collect();
    assert_eq!(
        said,
        [
            "cannot encode for the cache: no connection",
            "cannot decode from the cache: no connection",
            "repository failed: no connection",
            "cache backend failed: no connection",
            "entity is not valid: no connection",
            "cache is misconfigured: no connection",
            "nothing is cached under this key",
            "cache call timed out",
        ]
    );
}

#[test]
fn the_source_of_an_error_is_its_cause() {
    for error in with_cause(|| Refused.into()) {
        let source = error.source().expect("a cause");
        assert_eq!(source.downcast_ref(), Some(&Refused), "{error}");
        // Boxed and cloned, as it travels.
        let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error.clone());
        let source = boxed.source().expect("a cause");
        assert_eq!(source.downcast_ref(), Some(&Refused), "{error}");
    }
    assert!(Error::CacheMiss.source().is_none());
    assert!(Error::Timeout.source().is_none());
}

#[test]
fn a_cause_is_made_of_a_message_or_of_any_error() {
    let nested = Error::BackendError(Refused.into());
    for (cause, said) in [
        (Cause::from("a literal"), "a literal"),
        (Cause::from(String::from("a string")), "a string"),
        (Cause::from(Refused), "no connection"),
        (Cause::from(std::fmt::Error), &*std::fmt::Error.to_string()),
        (Cause::from(nested), "cache backend failed: no connection"),
        (
            Cause::from(Box::<dyn std::error::Error + Send + Sync>::from("a box")),
            "a box",
        ),
    ] {
        assert_eq!(cause.to_string(), said);
        assert_eq!(cause.clone().to_string(), said);
    }
}

#[test]
fn a_cause_that_is_an_error_of_the_cache_leads_on_to_its_own() {
    let inner = Error::BackendError(Refused.into());
    let outer = Error::RepositoryError(inner.into());
    let middle = outer.source().unwrap();
    assert_eq!(middle.source().unwrap().downcast_ref(), Some(&Refused));
}

#[test]
fn transient_is_what_may_pass() {
    for error in with_cause(|| Refused.into()) {
        let is_backend = matches!(error, Error::BackendError(_));
        assert_eq!(error.is_transient(), is_backend, "{error:?}");
    }
    assert!(Error::Timeout.is_transient());
    assert!(!Error::CacheMiss.is_transient());
    let transient = Error::transient(Refused);
    assert!(transient.is_transient());
    assert!(transient.clone().is_transient());
    assert!(matches!(transient, Error::RepositoryError(_)));
    assert_eq!(transient.source().unwrap().downcast_ref(), Some(&Refused));
    assert_eq!(transient.to_string(), "repository failed: no connection");
}

#[tokio::test]
async fn a_follower_is_told_the_same_as_the_leader() {
    for error in [
        Error::transient(Refused),
        Error::RepositoryError(Refused.into()),
        Error::Timeout,
    ] {
        let cache = CacheService::new(InMemoryBackend::new());
        let source = Source::new(Says::Fails(error.clone()));
        let (mut led, mut followed) = (GenericFeeder::<Person>::new(1), GenericFeeder::new(1));
        let refresh = CacheStrategy::Refresh;
        let told = soon(futures::future::join3(
            cache.execute(&mut led, &source, refresh),
            cache.execute(&mut followed, &source, refresh),
            cache.get_or_load(&1, || source.fetch_by_id(&1)),
        ));
        let (led, followed, loaded) = told.await;
        assert_eq!(source.loads(), 1);
        for told in [led, followed, loaded.map(drop)].map(Result::unwrap_err) {
            assert_eq!(told.to_string(), error.to_string());
            assert_eq!(told.is_transient(), error.is_transient(), "{error:?}");
            let has_cause = error.source().is_some();
            let cause = told.source().and_then(|cause| cause.downcast_ref());
            assert_eq!(cause, has_cause.then_some(&Refused), "{error:?}");
        }
    }
}

/// An error of a service: the cache's, as it is. It cannot be cloned.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Mine(#[from] Error);

#[tokio::test]
async fn who_follows_with_an_error_of_ones_own_is_told_of_the_same_failure() {
    struct Repo {
        cache: CacheService<InMemoryBackend>,
        source: Source,
    }
    impl Repo {
        #[cached]
        async fn find(&self, id: u64) -> Result<Option<Person>, Mine> {
            Ok(self.source.fetch_by_id(&id).await?)
        }
    }
    let repo = Repo {
        cache: CacheService::new(InMemoryBackend::new()),
        source: Source::new(Says::Fails(Error::transient(Refused))),
    };
    let mut feeder = GenericFeeder::<Person>::new(1);
    let led = repo
        .cache
        .execute(&mut feeder, &repo.source, CacheStrategy::Refresh);
    let (led, followed) = soon(futures::future::join(led, repo.find(1))).await;
    assert_eq!(repo.source.loads(), 1);
    assert!(led.unwrap_err().is_transient());
    let Mine(followed) = followed.unwrap_err();
    assert!(followed.is_transient());
    assert_eq!(followed.source().unwrap().downcast_ref(), Some(&Refused));
}

/// Writes down what the cache says of its failures.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl CacheMetrics for Said {
    fn record(&self, event: &CacheEvent<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// Its key and its value are secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    token: String,
    balance: String,
}

impl CacheEntity for Account {
    type Key = String;

    fn cache_key(&self) -> String {
        self.token.clone()
    }

    fn cache_prefix() -> &'static str {
        "account"
    }
}

/// An account by the token that it is asked for, or by another.
struct Accounts(Option<&'static str>);

impl Repository<Account> for Accounts {
    async fn fetch_by_id(&self, token: &String) -> cache_kit::Result<Option<Account>> {
        let token = self.0.unwrap_or(token).to_owned();
        let balance = "hunter2-balance".to_owned();
        Ok(Some(Account { token, balance }))
    }
}

#[tokio::test]
async fn neither_keys_nor_values_are_in_errors_or_events() {
    let (backend, said) = (Faulty::default(), Said::default());
    let cache = CacheService::builder(backend.clone())
        .failure_policy(Propagate)
        .metrics(said.clone())
        .build()
        .unwrap();
    let token = "hunter2-token".to_owned();
    let mut feeder = GenericFeeder::<Account>::new(token.clone());
    let another = Accounts(Some("hunter2-other"));
    let told = cache.execute(&mut feeder, &another, CacheStrategy::Refresh);
    let mut errors = vec![told.await.unwrap_err()];

    let refresh = CacheStrategy::Refresh;
    let own = Accounts(None);
    cache.execute(&mut feeder, &own, refresh).await.unwrap();
    backend.damage::<Account>(&token);
    errors.push(cache.get::<Account>(&token).await.unwrap_err());
    errors.push(cache.put(Hermit(Shy(1))).await.unwrap_err());

    let mut all = std::mem::take(&mut *said.0.lock().unwrap());
    all.extend(errors.iter().map(ToString::to_string));
    all.extend(errors.iter().map(|error| format!("{error:?}")));
    assert!(all.len() > 6, "{all:?}");
    for said in all {
        let is_discreet = !said.contains("hunter2") && !said.contains("shy-");
        assert!(is_discreet, "{said}");
    }
}

#[tokio::test]
async fn a_failure_of_many_says_how_many_and_leads_to_the_first() {
    let source = Source::new(Says::Fails(Error::transient(Refused)));
    let failed = source.fetch_by_ids(&[11, 22, 33]).await.unwrap_err();
    let said = failed.to_string();
    assert!(
        said.contains('3') && said.contains("no connection"),
        "{said}"
    );
    assert!(!said.contains("11"), "{said}");
    let partial = failed.source().unwrap();
    let first = partial.source().unwrap();
    assert_eq!(first.source().unwrap().downcast_ref(), Some(&Refused));
    let debug = format!("{failed:?}");
    assert!(!debug.contains("11"), "{debug}");
}

#[tokio::test]
async fn each_key_of_many_has_its_own_failure_as_it_was() {
    let cache = CacheService::new(InMemoryBackend::new());
    let source = Source::new(Says::Recovers(1));
    let found = cache.load_many::<Person, _>(&[1, 2], &source).await;
    assert!(found[0].as_ref().unwrap_err().is_transient());
    assert_eq!(found[1].as_ref().unwrap().as_deref(), Some(&Source::row(2)));
}
