//! One load per key, whatever is cancelled when; nobody hangs.

mod sync {
    pub(super) use shuttle::sync::{Arc, Mutex, MutexGuard};
}

#[path = "../../../cache-kit/src/flight/waiters.rs"]
#[allow(unreachable_pub, reason = "the runtime's file")]
mod waiters;

#[path = "../../../cache-kit/src/flight/core.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the runtime's file, of which a model uses a part"
)]
mod core;

mod next;

use self::core::{Arrival, Flights, Joined};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicUsize, Ordering};

type Table = Flights<&'static str, u64, &'static str>;

/// How many interleavings the larger models see.
const MANY: usize = 4_000;

#[derive(Clone)]
struct Model {
    flights: Arc<Table>,
    store: Arc<AtomicUsize>,
    loads: Arc<AtomicUsize>,
    loading: Arc<AtomicUsize>,
    most_loading: Arc<AtomicUsize>,
}

/// What a caller's load comes to.
#[derive(Clone, Copy, PartialEq)]
enum Load {
    Lands,
    /// It is stored only after everyone was told.
    LandsFirst,
    Fails,
    IsCancelled,
}

impl Model {
    fn new() -> Self {
        Self {
            flights: Arc::new(Table::new(1)),
            store: Arc::new(AtomicUsize::new(0)),
            loads: Arc::new(AtomicUsize::new(0)),
            loading: Arc::new(AtomicUsize::new(0)),
            most_loading: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// As the runtime does: look up, join or lead, look again, load, store, land.
    async fn call(&self, tag: u64, load: Load) -> Option<&'static str> {
        if self.store.load(Ordering::SeqCst) > 0 {
            return Some("stored");
        }
        let leader = match self.flights.join(&"key", tag) {
            Joined::Lead(leader) => leader,
            Joined::Follow(follower) => match follower.await {
                Arrival::Landed(value) => return Some(value),
                Arrival::Lead(leader) => leader,
            },
        };
        if self.store.load(Ordering::SeqCst) > 0 {
            leader.land("stored");
            return Some("stored");
        }
        self.loads.fetch_add(1, Ordering::SeqCst);
        let now = self.loading.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_loading.fetch_max(now, Ordering::SeqCst);
        yield_now().await;
        self.loading.fetch_sub(1, Ordering::SeqCst);
        match load {
            Load::Lands => {
                self.store.store(1, Ordering::SeqCst);
                leader.land("loaded");
                Some("loaded")
            }
            Load::LandsFirst => {
                let (landed, store) = (leader.share("loaded"), Arc::clone(&self.store));
                let late = spawn(async move {
                    yield_now().await;
                    store.store(1, Ordering::SeqCst);
                    drop(landed);
                });
                late.await.unwrap();
                Some("loaded")
            }
            Load::Fails => {
                leader.scatter();
                None
            }
            // Dropping the leader is what cancelling its caller does.
            Load::IsCancelled => None,
        }
    }
}

fn explore(
    callers: &'static [Load],
    verify: fn(&Model, &[Option<&'static str>]),
) -> impl Fn() + Send + Sync {
    move || {
        let model = Model::new();
        let tasks: Vec<_> = callers
            .iter()
            .map(|load| {
                let (model, load) = (model.clone(), *load);
                spawn(async move { model.call(0, load).await })
            })
            .collect();
        let seen: Vec<_> = tasks
            .into_iter()
            .map(|task| block_on(task).unwrap())
            .collect();
        assert_eq!(model.flights.len(), 0, "a flight outlived its callers");
        verify(&model, &seen);
    }
}

/// A caller that comes while the leader leaves, one way or the other: small enough to see every
/// interleaving.
fn meet(
    leave: fn(core::Leader<&'static str, u64, &'static str>),
    verify: fn(Arrival<&'static str, u64, &'static str>),
) {
    let model = move || {
        let flights = Arc::new(Table::new(1));
        let Joined::Lead(leader) = flights.join(&"key", 0) else {
            unreachable!("the first one leads")
        };
        let caller = {
            let flights = Arc::clone(&flights);
            spawn(async move {
                verify(match flights.join(&"key", 0) {
                    Joined::Lead(leader) => Arrival::Lead(leader),
                    Joined::Follow(follower) => follower.await,
                });
            })
        };
        leave(leader);
        block_on(caller).unwrap();
        assert_eq!(flights.len(), 0, "a flight outlived its callers");
    };
    shuttle::check_dfs(model, None);
}

#[test]
fn a_landing_reaches_who_comes_in_time_in_every_interleaving() {
    meet(
        |leader| leader.land("loaded"),
        |arrival| match arrival {
            Arrival::Landed(value) => assert_eq!(value, "loaded"),
            // It came too late, and has a flight of its own.
            Arrival::Lead(leader) => leader.land("again"),
        },
    );
}

#[test]
fn a_leader_that_leaves_hands_over_in_every_interleaving() {
    let must_lead = |arrival| match arrival {
        Arrival::Landed(_) => panic!("nothing landed"),
        Arrival::Lead(leader) => core::Leader::land(leader, "loaded"),
    };
    meet(drop, must_lead);
    meet(core::Leader::scatter, must_lead);
}

#[test]
fn two_callers_share_one_load() {
    let model = || {
        explore(&[Load::Lands; 2], |model, seen| {
            assert_eq!(model.loads.load(Ordering::SeqCst), 1);
            assert!(seen.iter().all(Option::is_some));
        })
    };
    shuttle::check_random(model(), MANY);
    shuttle::check_pct(model(), MANY, 3);
}

#[test]
fn until_a_landed_load_is_stored_whoever_comes_finds_its_flight() {
    let model = || {
        explore(&[Load::LandsFirst; 3], |model, seen| {
            assert_eq!(model.loads.load(Ordering::SeqCst), 1);
            assert!(seen.iter().all(Option::is_some));
        })
    };
    shuttle::check_random(model(), MANY);
    shuttle::check_pct(model(), MANY, 3);
}

#[test]
fn a_cancelled_leader_hands_over() {
    let model = explore(&[Load::IsCancelled, Load::Lands], |model, seen| {
        assert!(seen[1].is_some());
        assert_eq!(model.most_loading.load(Ordering::SeqCst), 1);
    });
    shuttle::check_pct(model, MANY, 3);
}

#[test]
fn many_callers_share_one_load() {
    let model = explore(&[Load::Lands; 5], |model, seen| {
        assert_eq!(model.loads.load(Ordering::SeqCst), 1);
        assert!(seen.iter().all(Option::is_some));
    });
    shuttle::check_random(model, MANY);
}

#[test]
fn whoever_is_cancelled_someone_else_loads_and_one_at_a_time() {
    let model = explore(
        &[
            Load::IsCancelled,
            Load::Lands,
            Load::IsCancelled,
            Load::IsCancelled,
            Load::Lands,
        ],
        |model, seen| {
            assert!(seen[1].is_some() && seen[4].is_some());
            assert_eq!(model.most_loading.load(Ordering::SeqCst), 1);
        },
    );
    shuttle::check_pct(model, MANY, 3);
}

#[test]
fn when_all_fail_each_asks_for_itself_a_bounded_number_at_a_time() {
    let model = explore(&[Load::Fails; 12], |model, seen| {
        assert!(seen.iter().all(Option::is_none));
        assert_eq!(model.loads.load(Ordering::SeqCst), 12);
        assert!(model.most_loading.load(Ordering::SeqCst) <= core::SEATS_AFTER_FAILURE);
    });
    shuttle::check_random(model, MANY / 4);
}

/// A caller that is dropped at any of its polls: its seat, its ticket and its turn go to others.
#[test]
fn a_follower_that_is_dropped_passes_its_turn_on() {
    let model = || {
        let model = Model::new();
        let leader = match model.flights.join(&"key", 0) {
            Joined::Lead(leader) => leader,
            Joined::Follow(_) => unreachable!("the first one leads"),
        };
        let dropped = {
            let model = model.clone();
            spawn(async move {
                if let Joined::Follow(mut follower) = model.flights.join(&"key", 0) {
                    // Polled once, woken or not, then dropped.
                    let mut polls = 0;
                    std::future::poll_fn(|context| {
                        polls += 1;
                        let _ = std::pin::Pin::new(&mut follower).poll(context).map(drop);
                        std::task::Poll::Ready(polls)
                    })
                    .await;
                    yield_now().await;
                }
            })
        };
        let stays = {
            let model = model.clone();
            spawn(async move { model.call(0, Load::Lands).await })
        };
        let leaves = spawn(async move {
            yield_now().await;
            drop(leader);
        });
        block_on(async {
            leaves.await.unwrap();
            dropped.await.unwrap();
            assert!(stays.await.unwrap().is_some());
        });
        assert_eq!(model.flights.len(), 0);
    };
    shuttle::check_random(model, MANY);
    shuttle::check_pct(model, MANY, 3);
}

#[test]
fn a_caller_with_a_newer_tag_does_not_join_the_older_flight() {
    let model = || {
        let model = Model::new();
        let Joined::Lead(old) = model.flights.join(&"key", 1) else {
            unreachable!("the first one leads")
        };
        let newer = {
            let flights = Arc::clone(&model.flights);
            spawn(async move {
                match flights.join(&"key", 2) {
                    Joined::Lead(leader) => leader.land("new"),
                    Joined::Follow(_) => panic!("it joined a flight from before the invalidation"),
                }
            })
        };
        let same = {
            let flights = Arc::clone(&model.flights);
            spawn(async move {
                match flights.join(&"key", 1) {
                    // The newer one took the older one's place: this caller loads for itself.
                    Joined::Lead(leader) => leader.land("old"),
                    Joined::Follow(follower) => match follower.await {
                        Arrival::Landed(value) => assert_eq!(value, "old"),
                        Arrival::Lead(_) => panic!("the leader did not leave"),
                    },
                }
            })
        };
        old.land("old");
        block_on(async {
            newer.await.unwrap();
            same.await.unwrap();
        });
        assert_eq!(model.flights.len(), 0);
    };
    shuttle::check_random(model, MANY);
}

#[test]
fn a_detached_flight_lands_for_those_on_it_and_for_nobody_else() {
    let model = || {
        let model = Model::new();
        let Joined::Lead(old) = model.flights.join(&"key", 0) else {
            unreachable!("the first one leads")
        };
        let early = {
            let Joined::Follow(follower) = model.flights.join(&"key", 0) else {
                unreachable!("one leads")
            };
            spawn(async move { matches!(follower.await, Arrival::Landed("old")) })
        };
        let detach = {
            let flights = Arc::clone(&model.flights);
            spawn(async move {
                flights.detach(&"key");
                match flights.join(&"key", 0) {
                    Joined::Lead(leader) => leader.land("new"),
                    Joined::Follow(_) => panic!("it joined a detached flight"),
                }
            })
        };
        let land = spawn(async move { old.land("old") });
        block_on(async {
            assert!(early.await.unwrap());
            detach.await.unwrap();
            land.await.unwrap();
        });
        assert_eq!(model.flights.len(), 0);
    };
    shuttle::check_random(model, MANY);
}

#[test]
fn who_takes_over_without_waiting_leaves_nobody_behind() {
    let model = || {
        let model = Model::new();
        let cancelled = spawn({
            let model = model.clone();
            async move { model.call(0, Load::IsCancelled).await }
        });
        let waiting = spawn({
            let model = model.clone();
            async move { model.call(0, Load::Lands).await }
        });
        let flights = Arc::clone(&model.flights);
        let taking = spawn(async move {
            let leader = match flights.join(&"key", 0) {
                Joined::Lead(leader) => leader,
                Joined::Follow(follower) => match follower.take_over() {
                    Some(leader) => leader,
                    None => match follower.await {
                        Arrival::Lead(leader) => leader,
                        Arrival::Landed(_) => return,
                    },
                },
            };
            yield_now().await;
            leader.land("taken over");
        });
        block_on(cancelled).unwrap();
        block_on(taking).unwrap();
        assert!(block_on(waiting).unwrap().is_some());
        assert_eq!(model.flights.len(), 0);
    };
    shuttle::check_random(model, MANY);
    shuttle::check_pct(model, MANY, 3);
}
