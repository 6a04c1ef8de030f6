//! Of several processes that miss, one loads, and the others wait for it: for how long, and for how
//! long at most.

mod batches;

use super::support::{SLACK, Service, backend, config, named};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Person, Proxy, RedisServer, Traffic, soon, until};
use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than a test may take: whoever waits for the end of such a lease waits in vain.
const LONG: Duration = Duration::from_secs(60);

/// A process of its own, as far as Redis can tell. Nothing but leases bounds how long it waits.
fn process(addr: impl Display, lease: Duration) -> Service {
    waiting(addr, lease, LONG)
}

fn waiting(addr: impl Display, lease: Duration, lease_deadline: Duration) -> Service {
    let config = config(addr).deadline(LONG).connect_deadline(LONG);
    CacheService::builder(backend(config.lease(lease)))
        .backend_deadline(LONG)
        .flight_deadline(LONG)
        .lease_deadline(lease_deadline)
        .build()
        .expect("settings that work")
}

/// How a load ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Finds(&'static str),
    FindsNobody,
    Fails,
    Panics,
    /// It does not: whoever asked goes away.
    Never,
}

/// A repository that writes down which rows it was asked for, and lets no load end before the test
/// does. Clones share everything.
#[derive(Clone)]
struct Held {
    end: End,
    asked: Arc<Mutex<Vec<u64>>>,
    is_open: Arc<watch::Sender<bool>>,
}

impl Held {
    fn new(end: End) -> Self {
        Self {
            end,
            asked: Arc::default(),
            is_open: Arc::default(),
        }
    }

    fn open(end: End) -> Self {
        let source = Self::new(end);
        source.let_go();
        source
    }

    fn let_go(&self) {
        self.is_open.send_replace(true);
    }

    /// The rows that were asked for, each as often as it was.
    fn asked(&self) -> Vec<u64> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort_unstable();
        asked
    }

    async fn until_asked(&self, ids: &[u64]) {
        until("the repository is asked", || async {
            (self.asked() == ids).then_some(())
        })
        .await;
    }

    async fn load_many(&self, ids: Vec<u64>) -> cache_kit::Result<Vec<Person>> {
        self.asked.lock().unwrap().extend(&ids);
        let mut is_open = self.is_open.subscribe();
        is_open
            .wait_for(|is_open| *is_open)
            .await
            .expect("we hold the sender");
        match self.end {
            End::Finds(name) => Ok(ids.iter().map(|id| named(*id, name)).collect()),
            End::FindsNobody => Ok(Vec::new()),
            End::Fails => Err(Error::RepositoryError("the database is down".into())),
            End::Panics => panic!("the repository panicked"),
            End::Never => std::future::pending().await,
        }
    }

    /// Reads one row through a cache, and says its name.
    async fn find(&self, cache: &Service, id: u64) -> cache_kit::Result<Option<String>> {
        let load = || async { Ok::<_, Error>(self.load_many(vec![id]).await?.pop()) };
        let found: Option<Arc<Person>> = cache.get_or_load(&id, load).await?;
        Ok(found.map(|person| person.name.clone()))
    }

    /// Reads rows through a cache, and says their names.
    async fn find_many(&self, cache: &Service, ids: &[u64]) -> cache_kit::Result<Vec<String>> {
        let found = cache
            .get_or_load_many(ids, |ids| self.load_many(ids))
            .await?;
        let found = found.into_iter().flatten();
        Ok(found
            .map(|person: Arc<Person>| person.name.clone())
            .collect())
    }

    /// Begins to read in a process, and waits until it is loading.
    async fn begin(
        &self,
        cache: &Service,
        ids: &[u64],
    ) -> JoinHandle<cache_kit::Result<Vec<String>>> {
        let (source, cache, wanted) = (self.clone(), cache.clone(), ids.to_vec());
        let reading = tokio::spawn(async move {
            match wanted.as_slice() {
                [id] => Ok(source.find(&cache, *id).await?.into_iter().collect()),
                ids => source.find_many(&cache, ids).await,
            }
        });
        soon(self.until_asked(ids)).await;
        reading
    }
}

/// Waits until so many callers of a process have missed: they load, or wait for who does.
async fn until_missed(cache: &Service, count: u64) {
    until("callers have missed", || async {
        (cache.stats().misses >= count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_miss_at_once_ask_the_repository_once() {
    let server = RedisServer::start().await;
    let processes: Vec<_> = (0..6).map(|_| process(server.addr(), LONG)).collect();
    for (round, end) in [(1, End::Finds("new")), (2, End::FindsNobody)] {
        let source = Held::new(end);
        let mut callers = Vec::new();
        for cache in processes.iter().flat_map(|cache| [cache; 5]) {
            let (source, cache) = (source.clone(), cache.clone());
            callers.push(tokio::spawn(
                async move { source.find(&cache, round).await },
            ));
        }
        for cache in &processes {
            until_missed(cache, 5 * round).await;
        }
        source.let_go();
        for caller in callers {
            let found = soon(caller).await.unwrap().unwrap();
            assert_eq!(found.is_some(), end != End::FindsNobody);
        }
        assert_eq!(source.asked(), [round]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_died_while_it_loaded_costs_the_others_one_lease_time() {
    const LEASE: Duration = Duration::from_secs(2);
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let (dying, source) = (process(proxy.addr(), LEASE), Held::new(End::Never));
    let before = Instant::now();
    let reading = source.begin(&dying, &[1]).await;
    let begun = Instant::now();
    // Nothing can be given back.
    proxy.set(Traffic::Refused).await;
    reading.abort();
    let source = Held::open(End::Finds("new"));
    let others: Vec<_> = (0..3).map(|_| process(server.addr(), LEASE)).collect();
    let found = tokio::join!(
        source.find(&others[0], 1),
        source.find(&others[1], 1),
        source.find(&others[2], 1)
    );
    // Redis counts whole milliseconds.
    assert!(
        before.elapsed() + Duration::from_millis(5) > LEASE,
        "{:?}",
        before.elapsed()
    );
    assert!(begun.elapsed() < LEASE + SLACK, "{:?}", begun.elapsed());
    for found in [found.0, found.1, found.2] {
        assert_eq!(found.unwrap().as_deref(), Some("new"));
    }
    assert_eq!(source.asked(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_comes_to_nothing_gives_its_lease_back_at_once() {
    let server = RedisServer::start().await;
    for end in [End::Fails, End::Panics, End::Never] {
        for ids in [&[1][..], &[2, 3]] {
            let [first, second] = [(); 2].map(|()| process(server.addr(), LONG));
            let (failing, source) = (Held::new(end), Held::open(End::Finds("new")));
            let reading = failing.begin(&first, ids).await;
            let found = async {
                let many = source.find_many(&second, ids).await;
                many.unwrap_or_else(|error| panic!("{end:?}: {error}"))
            };
            let fail = async {
                until_missed(&second, ids.len() as u64).await;
                assert!(source.asked().is_empty(), "{end:?}: nobody waits");
                failing.let_go();
                if end == End::Never {
                    reading.abort();
                }
                assert!(!matches!(reading.await, Ok(Ok(_))), "{end:?}");
            };
            let (found, ()) = soon(Box::pin(async { tokio::join!(found, fail) })).await;
            assert_eq!(found, vec!["new"; ids.len()], "{end:?}");
            assert_eq!(source.asked(), ids, "{end:?}");
            second.clear_prefix::<Person>().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_load_that_began_before_an_invalidation() {
    let server = RedisServer::start().await;
    let [first, second, third] = [(); 3].map(|()| process(server.addr(), LONG));
    let (old, new) = (Held::new(End::Finds("old")), Held::open(End::Finds("new")));
    let reading = old.begin(&first, &[1]).await;
    third.invalidate::<Person>(&1).await.unwrap();
    let found = soon(new.find(&second, 1)).await.unwrap();
    assert_eq!(found.as_deref(), Some("new"));
    // Nor is the load of now given up with the one of then.
    old.let_go();
    assert_eq!(soon(reading).await.unwrap().unwrap(), ["old"]);
    for cache in [&first, &second, &third] {
        let found = soon(new.find(cache, 1)).await.unwrap();
        assert_eq!(found.as_deref(), Some("new"));
    }
    assert_eq!(new.asked(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_longer_than_the_lease_deadline() {
    let server = RedisServer::start().await;
    let loading = process(server.addr(), LONG);
    let held = Held::new(End::Finds("held"));
    let reading = held.begin(&loading, &[1, 2, 3, 4]).await;
    let deadlines = [Duration::ZERO, Duration::from_millis(300)];
    for (deadline, ids) in deadlines.into_iter().zip([[1, 2], [3, 4]]) {
        let hasty = waiting(server.addr(), LONG, deadline);
        let source = Held::open(End::Finds("new"));
        let begun = Instant::now();
        let one = source.find(&hasty, ids[0]).await.unwrap();
        let many = source.find_many(&hasty, &ids[1..]).await.unwrap();
        let took = begun.elapsed();
        assert_eq!(
            (one.as_deref(), many),
            (Some("new"), vec!["new".to_owned()])
        );
        assert_eq!(source.asked(), ids);
        assert!(took >= 2 * deadline, "{deadline:?}: {took:?}");
        assert!(took < 2 * deadline + SLACK, "{deadline:?}: {took:?}");
    }
    held.let_go();
    assert_eq!(soon(reading).await.unwrap().unwrap(), ["held"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fill_gives_the_lease_back() {
    let server = RedisServer::start().await;
    for (id, end) in [(1, End::Finds("new")), (2, End::FindsNobody)] {
        let cache = process(server.addr(), LONG);
        Held::open(end).find(&cache, id).await.unwrap();
        until("the fill", || async {
            (cache.stats().fills == 1).then_some(())
        })
        .await;
        let leases: Vec<String> = server.query(&["KEYS", "ck:l:*"]).await;
        assert!(leases.is_empty(), "{end:?}: {leases:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_while_a_load_is_opened_leaves_no_lease() {
    const EACH_WAY: Duration = Duration::from_millis(150);
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let (leaving, staying) = (process(proxy.addr(), LONG), process(server.addr(), LONG));
    leaving.health().await.unwrap();
    proxy.set(Traffic::Delayed(EACH_WAY)).await;
    for ids in [&[1][..], &[2, 3]] {
        let before = proxy.counts();
        let (source, cache) = (Held::open(End::Finds("new")), leaving.clone());
        let reading = {
            let source = source.clone();
            tokio::spawn(async move {
                match ids {
                    [id] => source.find(&cache, *id).await.map(drop),
                    ids => source.find_many(&cache, ids).await.map(drop),
                }
            })
        };
        // It has been told of the miss, and the question for a permit is on its way.
        until_missed(&leaving, ids.len() as u64).await;
        until("the lease is taken", || async {
            let leases: Vec<String> = server.query(&["KEYS", "ck:l:*"]).await;
            (leases.len() == ids.len()).then_some(())
        })
        .await;
        assert!(!reading.is_finished() && source.asked().is_empty());
        reading.abort();
        let found = soon(source.find_many(&staying, ids)).await.unwrap();
        assert_eq!((found.len(), source.asked()), (ids.len(), ids.to_vec()));
        assert!(proxy.counts().since(&before).round_trips > 0);
        until("the fill", || async {
            let leases: Vec<String> = server.query(&["KEYS", "ck:l:*"]).await;
            leases.is_empty().then_some(())
        })
        .await;
    }
}
