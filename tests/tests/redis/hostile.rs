//! Anything can be under our names: it is a miss, and is replaced.

mod bytes;

use crate::fixtures::{Parts, Store, cache, config, refresh, row, until_hit, wrapped};
use cache_kit::prelude::*;
use cache_kit::{Error, RedisBackend};
use cache_kit_tests::{Person, counts, until};
use std::time::Duration;

/// Where something is put that does not belong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Value,
    Guard,
    Prefix,
    Lease,
}

const PLACES: [Place; 4] = [Place::Value, Place::Guard, Place::Prefix, Place::Lease];

impl Place {
    fn of(self, parts: &Parts) -> &str {
        match self {
            Self::Value => &parts.value,
            Self::Guard => &parts.guard,
            Self::Prefix => &parts.prefix,
            Self::Lease => &parts.lease,
        }
    }
}

/// An entry, and the names of its parts.
async fn prime(store: &Store, cache: &CacheService<RedisBackend>) -> Parts {
    for id in [1, 2, 3] {
        cache.put(row(id)).await.expect("stored");
    }
    store.parts::<Person>(&1).await
}

/// What lies there now is a miss, counted and without an error, and one load replaces it.
async fn assert_is_replaced(cache: &CacheService<RedisBackend>, what: &str) {
    let before = counts(cache);
    let found = cache.get::<Person>(&1).await;
    assert!(matches!(found, Ok(None)), "{what}: {found:?}");
    let after = counts(cache);
    assert_eq!(after.misses, before.misses + 1, "{what} is a miss");
    assert!(refresh(cache, 1).await, "{what} is loaded past");
    until_hit(cache, 1).await;
    assert!(!refresh(cache, 1).await, "{what} is replaced");
}

#[tokio::test]
async fn what_is_no_string_is_a_miss_and_is_replaced() {
    let store = Store::start().await;
    let junk: [(&str, &[&str]); 6] = [
        ("RPUSH", &["x"]),
        ("HSET", &["field", "x"]),
        ("SADD", &["x"]),
        ("ZADD", &["1", "x"]),
        ("XADD", &["*", "field", "x"]),
        ("PFADD", &["x"]),
    ];
    for config in [config(&store.server), wrapped(config(&store.server))] {
        let cache = cache(config);
        for place in PLACES {
            for (command, words) in junk {
                let parts = prime(&store, &cache).await;
                let name = place.of(&parts);
                // A lease is looked at where there is no value.
                store.run(&["UNLINK", name, &parts.lease]).await;
                if place == Place::Lease {
                    store.run(&["UNLINK", &parts.value]).await;
                }
                store.run(&[&[command, name], words].concat()).await;
                assert_is_replaced(&cache, &format!("{command} for the {place:?}")).await;
            }
        }
    }
}

#[tokio::test]
async fn guards_that_are_none_are_misses_and_are_replaced() {
    let store = Store::start().await;
    let cache = cache(config(&store.server));
    let endless = "9".repeat(512 << 10);
    let digits = "1".repeat(40);
    let beyond = u128::from(u64::MAX) + 1;
    let beyond = beyond.to_string();
    let junk = [
        "", "abc", "007", "-5", "+5", "0", " 5", "5 ", "5\n", "5\0", "1e9", "0x10", "ü", &digits,
        &beyond, &endless,
    ];
    for place in [Place::Guard, Place::Prefix] {
        for guard in junk {
            let parts = prime(&store, &cache).await;
            store.set(place.of(&parts), guard.as_bytes()).await;
            let shown: String = guard.chars().take(50).collect();
            assert_is_replaced(&cache, &format!("{shown:?} for the {place:?}")).await;
            let now = String::from_utf8(store.get(place.of(&parts)).await).expect("digits");
            let is_guard = now.parse::<u64>().is_ok_and(|guard| guard > 0) && now.len() <= 19;
            assert!(is_guard, "{shown:?} for the {place:?} is now {now:?}");
        }
    }
}

#[tokio::test]
async fn guards_that_are_none_do_not_keep_a_put_from_its_entry() {
    let store = Store::start().await;
    let cache = cache(config(&store.server));
    for place in [Place::Guard, Place::Prefix] {
        for guard in ["", "abc", "007", "-5", "0"] {
            let parts = prime(&store, &cache).await;
            store.set(place.of(&parts), guard.as_bytes()).await;
            cache.put(row(1)).await.expect("stored");
            until_hit(&cache, 1).await;
        }
    }
}

/// Whoever finds a lease waits for its end; one that has none is nobody's.
#[tokio::test]
async fn leases_that_are_none_hold_nobody_up() {
    let store = Store::start().await;
    let cache = CacheService::builder(RedisBackend::new(config(&store.server)).unwrap())
        .lease_deadline(Duration::from_secs(3600))
        .build()
        .unwrap();
    let parts = prime(&store, &cache).await;
    let guard = String::from_utf8(store.get(&parts.guard).await).unwrap();
    let leases = [
        String::new(),
        "abc".to_owned(),
        guard.clone(),
        format!("1{guard}:5"),
        format!("{guard}:"),
        format!("{guard}:abc"),
        format!("{guard}:{}", "9".repeat(1 << 20)),
    ];
    for lease in leases {
        store.run(&["UNLINK", &parts.value]).await;
        store.set(&parts.lease, lease.as_bytes()).await;
        let what = format!("the lease {lease:.60}");
        cache_kit_tests::soon(Box::pin(assert_is_replaced(&cache, &what))).await;
    }
}

#[tokio::test]
async fn what_is_damaged_costs_the_others_of_a_batch_nothing() {
    let store = Store::start().await;
    let cache = cache(config(&store.server));
    for place in [Place::Value, Place::Guard] {
        for junk in [b"".as_slice(), b"\xC4CK", &[0xFF; 500]] {
            let parts = prime(&store, &cache).await;
            store.set(place.of(&parts), junk).await;
            let mut loaded = Vec::new();
            let load = |keys: Vec<u64>| {
                loaded.extend(&keys);
                async move { Ok::<_, Error>(keys.into_iter().map(row).collect::<Vec<_>>()) }
            };
            let read = cache.get_or_load_many(&[2, 1, 3], load).await.unwrap();
            let read: Vec<_> = read.into_iter().flatten().map(|row| row.id).collect();
            assert_eq!((read, loaded), (vec![2, 1, 3], vec![1]), "{place:?}");
            until_hit(&cache, 1).await;
        }
    }
}

/// It may be too large to be read in time; then the next who loads drops it unread, as soon as
/// Redis answers again.
#[tokio::test]
async fn what_is_far_too_large_is_gone_after_a_load_or_two_that_reach_redis() {
    let store = Store::start().await;
    for place in [Place::Value, Place::Guard, Place::Prefix] {
        let cache = cache(config(&store.server));
        let parts = prime(&store, &cache).await;
        let name = place.of(&parts);
        store.run(&["UNLINK", name]).await;
        store.run(&["SETRANGE", name, "268435455", "\0"]).await;
        until("what was loaded is a hit", || async {
            refresh(&cache, 1).await;
            let mut found = None;
            for _ in 0..20 {
                found = found.or(cache.get::<Person>(&1).await.expect("no error"));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            found
        })
        .await;
        let counts = counts(&cache);
        let in_vain = counts.failures;
        assert!(counts.loads <= 2 + in_vain, "{place:?}: {counts:?}");
        let size: u64 = store.ask(redis::cmd("STRLEN").arg(name)).await;
        assert!(size < 1000, "{place:?}");
    }
}
