//! A write that is dropped while its runtime ends: Redis is told of all that it made untrue.

use crate::support::{Service, backend, config, service};
use cache_kit::RedisBackend;
use cache_kit::prelude::*;
use cache_kit_tests::{Proxy, RedisServer, Traffic, soon, until};
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "seat", ttl = "1h", key = id, tags = ["row:{row}", "class:{class}"])]
struct Seat {
    id: u64,
    row: u64,
    class: u64,
}

/// The seats 1 to 5: what a write of the first makes untrue reaches all but the last.
const SEATS: [Seat; 5] = [
    seat(1, 1, 1),
    seat(2, 2, 7),
    seat(3, 7, 3),
    seat(4, 4, 7),
    seat(5, 5, 5),
];

const fn seat(id: u64, row: u64, class: u64) -> Seat {
    Seat { id, row, class }
}

/// A berth of another entity, of which a write drops all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "berth", ttl = "1h", key = id)]
struct Berth {
    id: u64,
}

/// In which order a runtime drops its tasks is not known: each case is tried several times.
const CASES: [bool; 10] = [
    false, true, false, true, false, true, false, true, false, true,
];

struct Bookings(Service);

impl Bookings {
    /// Never ends: whether it was committed is not known.
    #[cache_evict(entity = Seat, cache = self.0, skip(begun), tags = ["row:2", "class:3", "row:4"])]
    async fn book(&self, id: u64, begun: oneshot::Sender<()>) -> cache_kit::Result<u64> {
        begun.send(()).expect("the test waits for it");
        pending::<()>().await;
        Ok(id)
    }

    #[cache_evict(entity = Berth, all, cache = self.0, skip(begun), tags = ["row:2"])]
    async fn clear(&self, begun: oneshot::Sender<()>) -> cache_kit::Result<()> {
        begun.send(()).expect("the test waits for it");
        pending().await
    }
}

/// A backend whose deadlines a busy machine does not miss.
fn patient(addr: SocketAddr) -> RedisBackend {
    let patience = Duration::from_secs(5);
    backend(config(addr).deadline(patience).connect_deadline(patience))
}

fn runtime(is_multi_thread: bool) -> tokio::runtime::Runtime {
    let mut builder = if is_multi_thread {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().unwrap()
}

/// Begins a write in a runtime that ends before the write does, while Redis cannot be reached or
/// answers late. Returns which seats and berths another process then still has.
fn left_by<F>(
    is_multi_thread: bool,
    traffic: Traffic,
    write: impl FnOnce(Bookings, oneshot::Sender<()>) -> F,
) -> (Vec<u64>, Vec<u64>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (first, second, servers) = (runtime(is_multi_thread), runtime(true), runtime(true));
    let (server, proxy) = servers.block_on(async {
        let server = RedisServer::start().await;
        let proxy = Proxy::start(server.addr()).await;
        (server, proxy)
    });
    let far = patient(proxy.addr());
    first.block_on(async {
        let cache = service(&far);
        for seat in SEATS {
            cache.put(seat).await.unwrap();
        }
        cache.put(Berth { id: 1 }).await.unwrap();
        let (begun, has_begun) = oneshot::channel();
        tokio::spawn(write(Bookings(cache), begun));
        soon(has_begun).await.unwrap();
    });
    servers.block_on(proxy.set(traffic));
    drop(first);
    servers.block_on(proxy.set(Traffic::Passes));
    second.block_on(async {
        until("Redis has been told", async || {
            // Any call finds that there is something to tell.
            service(&far).run_pending_tasks().await.ok()?;
            (far.pending_invalidations() == 0).then_some(())
        })
        .await;
        let other = service(&patient(server.addr()));
        let ids: Vec<u64> = SEATS.iter().map(|seat| seat.id).collect();
        let seats = other.get_many::<Seat>(&ids).await.into_iter();
        let seats = seats.filter_map(|seat| Some(seat.unwrap()?.id)).collect();
        let berths = other.get_many::<Berth>(&[1]).await.into_iter();
        let berths = berths
            .filter_map(|berth| Some(berth.unwrap()?.id))
            .collect();
        (seats, berths)
    })
}

#[test]
fn a_write_that_is_dropped_as_its_runtime_ends_drops_its_tags_too() {
    for is_multi_thread in CASES {
        let (seats, berths) = left_by(is_multi_thread, Traffic::Swallowed, async |it, begun| {
            drop(it.book(1, begun).await);
        });
        let case = format!("several threads: {is_multi_thread}");
        assert_eq!((seats, berths), (vec![5], vec![1]), "{case}");
    }
}

#[test]
fn a_write_that_is_dropped_as_its_runtime_ends_drops_a_prefix_and_its_tags_too() {
    for is_multi_thread in CASES {
        let (seats, berths) = left_by(is_multi_thread, Traffic::Swallowed, async |it, begun| {
            drop(it.clear(begun).await);
        });
        let case = format!("several threads: {is_multi_thread}");
        assert_eq!((seats, berths), (vec![1, 3, 4, 5], vec![]), "{case}");
    }
}

#[test]
fn a_runtime_that_ends_does_not_wait_for_a_connection_to_redis() {
    for is_multi_thread in CASES {
        let (ended, has_ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let left = left_by(is_multi_thread, Traffic::Refused, async |it, begun| {
                drop(it.book(1, begun).await);
            });
            let _ = ended.send(left);
        });
        let left = has_ended.recv_timeout(Duration::from_secs(60));
        let (seats, _) = left.expect("the runtime has ended");
        let case = format!("several threads: {is_multi_thread}");
        assert!(!seats.contains(&1), "{case}: {seats:?}");
    }
}
