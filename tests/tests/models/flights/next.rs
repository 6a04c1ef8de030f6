//! A flight without a stamp: who comes to it shares the next, and is never given what is older than
//! they knew when they came.

use super::MANY;
use super::core::{Arrival, Flights, Joined, Leader};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone)]
struct Unseen {
    flights: Arc<Flights<&'static str, u64, usize>>,
    version: Arc<AtomicUsize>,
    loading: Arc<AtomicUsize>,
    /// Who comes takes what is loading already, as where there is a stamp.
    takes_the_first: bool,
}

impl Unseen {
    fn new(takes_the_first: bool) -> Self {
        Self {
            flights: Arc::new(Flights::new(1)),
            version: Arc::default(),
            loading: Arc::default(),
            takes_the_first,
        }
    }

    /// As the runtime does where the backend cannot be asked.
    async fn call(self) {
        let floor = self.version.load(Ordering::SeqCst);
        let mut may_take = self.takes_the_first;
        let found = loop {
            let leader = match self.flights.join(&"key", 0) {
                Joined::Lead(leader) => leader,
                Joined::Follow(mut follower) => match (&mut follower).await {
                    Arrival::Landed(version) if may_take => break version,
                    Arrival::Landed(_) => {
                        follower.pass_over();
                        may_take = true;
                        continue;
                    }
                    Arrival::Lead(leader) => leader,
                },
            };
            break self.load(leader).await;
        };
        assert!(found >= floor, "{found} is older than {floor}");
    }

    /// One at a time; what is loaded can be joined for a while after it has landed.
    async fn load(&self, leader: Leader<&'static str, u64, usize>) -> usize {
        let version = self.version.load(Ordering::SeqCst);
        assert_eq!(self.loading.fetch_add(1, Ordering::SeqCst), 0);
        yield_now().await;
        self.loading.fetch_sub(1, Ordering::SeqCst);
        let landed = leader.share(version);
        yield_now().await;
        drop(landed);
        version
    }
}

fn run(takes_the_first: bool) {
    let model = Unseen::new(takes_the_first);
    let callers = (0..4).map(|_| spawn(model.clone().call()));
    let callers: Vec<_> = callers.collect();
    let write = spawn({
        let version = Arc::clone(&model.version);
        async move {
            for _ in 0..3 {
                version.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
        }
    });
    for task in callers.into_iter().chain([write]) {
        block_on(task).unwrap();
    }
    assert_eq!(model.flights.len(), 0, "a flight outlived its callers");
}

#[test]
fn who_comes_is_given_nothing_that_began_to_load_before() {
    shuttle::check_random(|| run(false), MANY);
    shuttle::check_pct(|| run(false), MANY, 3);
}

#[test]
#[should_panic(expected = "is older than")]
fn a_weaker_rule_is_found_out() {
    shuttle::check_random(|| run(true), MANY);
}
