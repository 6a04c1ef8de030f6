//! Retries happen within the flight, and within one feeding.

use super::{read, service};
use cache_kit::FailurePolicy::{Degrade, Propagate};
use cache_kit::prelude::*;
use cache_kit::{Error, Result, observe::Operation};
use cache_kit_tests::{Behaviour, Faulty, Person, Says, Source, soon};

/// Counts what it is told.
#[derive(Default)]
struct Counting {
    asked: usize,
    fed: Vec<Option<Person>>,
    hits: usize,
    misses: usize,
    loaded: usize,
}

impl CacheFeed<Person> for Counting {
    fn entity_id(&mut self) -> u64 {
        self.asked += 1;
        1
    }

    fn feed(&mut self, entity: Option<Person>) {
        self.fed.push(entity);
    }

    fn on_hit(&mut self, _: &u64) -> Result<()> {
        self.hits += 1;
        Ok(())
    }

    fn on_miss(&mut self, _: &u64) -> Result<()> {
        self.misses += 1;
        Ok(())
    }

    fn on_loaded(&mut self, _: &Person) -> Result<()> {
        self.loaded += 1;
        Ok(())
    }
}

/// Ten callers at once, each with so many retries.
async fn ten<B: CacheBackend>(
    cache: &CacheService<B>,
    source: &Source,
    retries: u32,
) -> Vec<Result<Option<Person>>> {
    let callers = (0..10).map(|_| read(cache, source, retries));
    soon(futures::future::join_all(callers)).await
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_share_the_retries_of_the_load() {
    let cache = CacheService::new(InMemoryBackend::new());
    let source = Source::new(Says::Recovers(2));
    for found in ten(&cache, &source, 4).await {
        assert_eq!(found.unwrap(), Some(Source::row(1)));
    }
    assert_eq!(source.loads(), 3);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_share_the_failure_of_the_last_retry() {
    // Whatever says that it may pass: it is the repository's failure, and was retried where it
    // happened.
    for error in [
        Error::transient("busy"),
        Error::Timeout,
        Error::BackendError("the repository has a cache of its own".into()),
    ] {
        for policy in [Degrade, Propagate] {
            let cache = service(&Faulty::default(), policy);
            // Opened once, so that all ten find the flight.
            let source = Source::new(Says::Fails(error.clone()));
            read(&cache, &source, 0).await.unwrap_err();
            for found in ten(&cache, &source, 4).await {
                let told = found.unwrap_err();
                assert_eq!(told.to_string(), error.to_string());
                assert!(told.is_transient());
            }
            assert_eq!(source.loads() - 1, 5, "{error:?}, {policy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_share_a_load_come_back_to_one_when_it_could_not_be_stored() {
    let backend = Faulty::default();
    let (cache, source) = (service(&backend, Propagate), Source::default());
    source.set(Says::Fails(Error::RepositoryError("down".into())));
    read(&cache, &source, 0).await.unwrap_err();
    source.set(Says::Has);
    backend.set_next(1, Operation::Fill, Behaviour::Down);
    for found in ten(&cache, &source, 1).await {
        assert_eq!(found.unwrap(), Some(Source::row(1)));
    }
    assert_eq!(source.loads() - 1, 2);
}

#[tokio::test(start_paused = true)]
async fn a_feeder_is_asked_once_told_once_and_fed_once_however_often_the_load_is_retried() {
    let cache = CacheService::new(InMemoryBackend::new());
    let source = Source::new(Says::Recovers(3));
    let mut feeder = Counting::default();
    let config = OperationConfig::new().with_retry(5);
    cache
        .execute_with(&mut feeder, &source, CacheStrategy::Refresh, config)
        .await
        .unwrap();
    assert_eq!(source.loads(), 4);
    assert_eq!((feeder.asked, feeder.misses, feeder.hits), (1, 1, 0));
    assert_eq!(feeder.loaded, 1);
    assert_eq!(feeder.fed, [Some(Source::row(1))]);
}

#[tokio::test(start_paused = true)]
async fn a_feeder_is_told_once_of_a_miss_however_often_the_backend_is_retried() {
    for step in [Operation::Read, Operation::Open, Operation::Fill] {
        let backend = Faulty::default();
        backend.set_next(3, step, Behaviour::Down);
        let (cache, source) = (service(&backend, Propagate), Source::default());
        let mut feeder = Counting::default();
        let config = OperationConfig::new().with_retry(5);
        let strategy = CacheStrategy::Refresh;
        let fed = cache.execute_with(&mut feeder, &source, strategy, config);
        fed.await.unwrap();
        let told = (feeder.asked, feeder.misses, feeder.hits, feeder.loaded);
        assert_eq!(told, (1, 1, 0, 1), "{step:?}");
        assert_eq!(feeder.fed.len(), 1, "{step:?}");
        assert_eq!(backend.calls(step), 4, "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_feeder_is_not_fed_when_no_retry_helped() {
    let cache = CacheService::new(InMemoryBackend::new());
    let source = Source::new(Says::Fails(Error::transient("busy")));
    let mut feeder = Counting::default();
    let config = OperationConfig::new().with_retry(2);
    cache
        .execute_with(&mut feeder, &source, CacheStrategy::Refresh, config)
        .await
        .unwrap_err();
    assert_eq!((feeder.asked, feeder.misses), (1, 1));
    assert_eq!((feeder.fed.len(), feeder.loaded), (0, 0));
}

/// Refuses what it wants, for a reason that may pass.
struct Refusing(Counting);

impl CacheFeed<Person> for Refusing {
    fn entity_id(&mut self) -> u64 {
        self.0.entity_id()
    }

    fn feed(&mut self, entity: Option<Person>) {
        self.0.feed(entity);
    }

    fn on_hit(&mut self, id: &u64) -> Result<()> {
        self.0.on_hit(id)?;
        Err(Error::Timeout)
    }

    fn on_miss(&mut self, id: &u64) -> Result<()> {
        self.0.on_miss(id)?;
        Err(Error::Timeout)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_feeder_refuses_is_not_retried() {
    for (is_cached, told) in [(false, (0, 1)), (true, (1, 0))] {
        let cache = service(&Faulty::default(), Propagate);
        if is_cached {
            cache.put(Source::row(1)).await.unwrap();
        }
        let source = Source::default();
        let mut feeder = Refusing(Counting::default());
        let config = OperationConfig::new().with_retry(3);
        let fed = cache.execute_with(&mut feeder, &source, CacheStrategy::Refresh, config);
        let error = fed.await.unwrap_err();
        assert!(matches!(error, Error::Timeout), "{error:?}");
        assert_eq!((feeder.0.hits, feeder.0.misses), told);
        assert_eq!((source.loads(), feeder.0.fed.len()), (0, 0));
    }
}
