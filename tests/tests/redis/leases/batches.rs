//! Batches, among others.

use super::{End, Held, LONG, process, until_missed};
use cache_kit_tests::{RedisServer, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_loads_its_own_at_once_and_waits_for_what_others_load() {
    let server = RedisServer::start().await;
    let [first, second, third] = [(); 3].map(|()| process(server.addr(), LONG));
    let (held, source) = (Held::new(End::Finds("held")), Held::open(End::Finds("new")));
    let single = held.begin(&first, &[1]).await;
    let many = Held::new(End::Finds("many"));
    let batch = many.begin(&second, &[2, 3]).await;
    let found = source.find_many(&third, &[1, 2, 3, 4, 5]);
    let let_go = async {
        source.until_asked(&[4, 5]).await;
        many.let_go();
        held.let_go();
    };
    let (found, ()) = soon(Box::pin(async { tokio::join!(found, let_go) })).await;
    assert_eq!(found.unwrap(), ["held", "many", "many", "new", "new"]);
    assert_eq!(source.asked(), [4, 5]);
    assert_eq!(soon(single).await.unwrap().unwrap(), ["held"]);
    assert_eq!(soon(batch).await.unwrap().unwrap(), ["many"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_one_waits_for_a_batch() {
    let server = RedisServer::start().await;
    let [first, second] = [(); 2].map(|()| process(server.addr(), LONG));
    let (held, source) = (Held::new(End::Finds("held")), Held::open(End::Finds("new")));
    let batch = held.begin(&first, &[1, 2]).await;
    let let_go = async {
        until_missed(&second, 1).await;
        held.let_go();
    };
    let (found, ()) = soon(async { tokio::join!(source.find(&second, 2), let_go) }).await;
    assert_eq!(found.unwrap().as_deref(), Some("held"));
    assert!(source.asked().is_empty());
    assert_eq!(soon(batch).await.unwrap().unwrap(), ["held"; 2]);
}

/// Each begins with others' last. Who kept what it has while it waits for the rest would wait for
/// those who wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn batches_that_want_the_same_in_different_orders_ask_for_each_once() {
    const ROWS: u64 = 400;
    let server = RedisServer::start().await;
    let processes = (0..8).map(|_| process(server.addr(), LONG));
    let source = Held::open(End::Finds("new"));
    let mut batches = Vec::new();
    for (number, cache) in (0..).zip(processes) {
        let source = source.clone();
        let ids: Vec<_> = (0..ROWS)
            .map(|id| (id + number * ROWS / 8) % ROWS)
            .collect();
        let reading = async move { source.find_many(&cache, &ids).await };
        batches.push(tokio::spawn(reading));
    }
    for batch in batches {
        assert_eq!(soon(batch).await.unwrap().unwrap().len(), 400);
    }
    let once: Vec<_> = (0..ROWS).collect();
    assert_eq!(source.asked(), once);
}
