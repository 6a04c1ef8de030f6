//! `#[cached]` on functions that do not wait, in memory.

use cache_kit::prelude::*;
use cache_kit_tests::{Person, counts};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

struct Sums {
    cache: CacheService<InMemoryBackend>,
    loads: AtomicU64,
}

impl Sums {
    fn new() -> Self {
        Self {
            cache: CacheService::new(InMemoryBackend::new()),
            loads: AtomicU64::new(0),
        }
    }

    #[cached(prefix = "fib", ttl = "1h")]
    fn fib(&self, n: u64) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if n < 2 {
            return n;
        }
        self.fib(n - 1) + self.fib(n - 2)
    }

    #[cached(prefix = "slow", unless = |found: &u64| *found == 0)]
    fn slow(&self, n: u64) -> Result<u64, String> {
        thread::sleep(Duration::from_millis(20));
        self.loads.fetch_add(1, Ordering::SeqCst);
        n.checked_sub(1).ok_or_else(|| "none".to_owned())
    }

    #[cached]
    fn person(&self, id: u64) -> Option<Person> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Some(Person {
            id,
            name: "Ada".into(),
        })
    }

    #[cached(prefix = "panics", skip(times))]
    fn panics(&self, first: bool, times: &AtomicU64) -> u64
    where
        Self: Sized,
    {
        let _ = first;
        assert!(times.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
        7
    }
}

#[test]
fn a_recursion_loads_each_value_once() {
    let sums = Sums::new();
    assert_eq!(sums.fib(50), 12_586_269_025);
    assert_eq!(sums.loads.load(Ordering::SeqCst), 51);
    assert_eq!(sums.fib(50), 12_586_269_025);
    assert_eq!(sums.loads.load(Ordering::SeqCst), 51);
}

#[test]
fn threads_share_one_load() {
    let sums = Arc::new(Sums::new());
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (sums, start) = (Arc::clone(&sums), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                sums.slow(5)
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Ok(4));
    }
    assert_eq!(sums.loads.load(Ordering::SeqCst), 1);
    assert_eq!(
        (sums.slow(0), sums.slow(0)),
        (Err("none".into()), Err("none".into()))
    );
    assert_eq!((sums.slow(1), sums.slow(1)), (Ok(0), Ok(0)));
    assert_eq!(sums.loads.load(Ordering::SeqCst), 5, "neither is stored");
}

#[tokio::test]
async fn entities_work_and_so_does_a_runtime_around() {
    let sums = Sums::new();
    assert_eq!(sums.person(7), sums.person(7));
    assert_eq!(sums.loads.load(Ordering::SeqCst), 1);
    sums.cache.invalidate::<Person>(&7).await.unwrap();
    sums.person(7);
    assert_eq!(sums.loads.load(Ordering::SeqCst), 2);
    assert_eq!(counts(&sums.cache).hits, 1);
}

#[cached(prefix = "held", skip(work))]
fn held_up(cache: &CacheService<InMemoryBackend>, id: u64, work: impl FnOnce()) -> u64 {
    work();
    id
}

#[test]
fn whoever_waits_for_too_long_loads_for_itself() {
    let cache = CacheService::builder(InMemoryBackend::new())
        .flight_deadline(Duration::from_millis(50))
        .build()
        .unwrap();
    let (held, release) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));

    let leader = thread::spawn({
        let (cache, held, release) = (cache.clone(), Arc::clone(&held), Arc::clone(&release));
        move || {
            held_up(&cache, 7, || {
                held.wait();
                release.wait();
            })
        }
    });
    held.wait();
    assert_eq!(held_up(&cache, 7, || ()), 7);
    release.wait();
    assert_eq!(leader.join().unwrap(), 7);
}

/// How long a second caller may wait for a load that takes a fraction of a second. The flight's
/// own deadline is 30 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// A function whose first load ends only after a second caller has missed.
#[derive(Clone)]
struct Shared {
    cache: CacheService<InMemoryBackend>,
    loads: Arc<AtomicU64>,
}

impl Shared {
    fn new() -> Self {
        Self {
            cache: CacheService::new(InMemoryBackend::new()),
            loads: Arc::default(),
        }
    }

    #[cached(prefix = "shared-value")]
    fn value(&self, id: u64) -> u64 {
        self.wait_for_the_second();
        id
    }

    #[cached]
    fn person(&self, id: u64) -> Option<Person> {
        self.wait_for_the_second();
        let name = "Ada".into();
        Some(Person { id, name })
    }

    fn wait_for_the_second(&self) {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        while self.cache.stats().misses < 2 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
        // A caller counts its miss before it joins the load.
        thread::sleep(Duration::from_millis(300));
    }

    /// Checks that two calls were one load and ended together.
    fn assert_shared(&self, begun: Instant) {
        let took = begun.elapsed();
        assert!(took < PATIENCE, "the second caller waited for {took:?}");
        assert_eq!(self.loads.load(Ordering::SeqCst), 1);
    }
}

/// A value of a function, and an entity.
const CALLS: [fn(&Shared) -> u64; 2] = [|it| it.value(7), |it| it.person(7).unwrap().id];

#[test]
fn a_thread_that_waits_for_anothers_load_returns_with_it() {
    for call in CALLS {
        let (shared, begun) = (Shared::new(), Instant::now());
        thread::scope(|scope| {
            for caller in [(); 2].map(|()| scope.spawn(|| call(&shared))) {
                assert_eq!(caller.join().unwrap(), 7);
            }
        });
        shared.assert_shared(begun);
    }
}

#[test]
fn a_thread_of_rayon_that_waits_for_anothers_load_returns_with_it() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
    let pool = pool.build().unwrap();
    for call in CALLS {
        let (shared, begun) = (Shared::new(), Instant::now());
        assert_eq!(pool.broadcast(|_| call(&shared)), [7, 7]);
        shared.assert_shared(begun);
    }
}

#[tokio::test]
async fn a_blocking_thread_of_tokio_that_waits_for_anothers_load_returns_with_it() {
    let (shared, begun) = (Shared::new(), Instant::now());
    let call = |shared: Shared| tokio::task::spawn_blocking(move || shared.value(7));
    let callers = [call(shared.clone()), call(shared.clone())];
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 7);
    }
    shared.assert_shared(begun);
}

/// A closure that works before it returns its future works inside the load, which is known to be
/// of that key.
#[test]
fn a_batch_whose_closure_calls_a_function_of_its_own_key_does_not_wait_for_itself() {
    let (sums, begun) = (Sums::new(), Instant::now());
    let load = |ids: Vec<u64>| {
        let people = ids.into_iter().filter_map(|id| sums.person(id)).collect();
        std::future::ready(Ok::<Vec<Person>, cache_kit::Error>(people))
    };
    let found = sums.cache.get_or_load_many::<Person, _, _>(&[7], load);
    let found = futures::executor::block_on(found).unwrap();
    assert_eq!(found[0].as_ref().unwrap().id, 7);
    let took = begun.elapsed();
    assert!(took < PATIENCE, "it waited for {took:?}");
}

#[test]
fn a_panic_is_the_callers_and_the_next_one_loads() {
    let sums = Sums::new();
    let times = AtomicU64::new(0);
    let first =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sums.panics(true, &times)));
    assert!(first.is_err());
    assert_eq!(sums.panics(true, &times), 7);
}
