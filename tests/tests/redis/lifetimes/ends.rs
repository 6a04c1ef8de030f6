//! What is seen of the end of an entry, of absences, and of lifetimes that are drawn.

use super::{
    End, HOUR, MINUTE, Note, SECOND, WAYS, Way, assert_ends, builder, cache_with, ends,
    until_stored,
};
use crate::fixtures::{Store, at};
use crate::support::named;
use cache_kit::prelude::*;
use cache_kit::{Error, Found, RedisBackend};
use cache_kit_tests::{Person, Source, until};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The server looks at its clock, and tells it, in milliseconds.
const TICKS: Duration = Duration::from_millis(3);

/// Watches an entry of so long a TTL until it is gone. It was stored between two moments; neither
/// is it served after its end, nor gone before, however long the looks take.
async fn assert_ends_in_time(
    ttl: Duration,
    store: impl AsyncFn(),
    is_known: impl AsyncFn() -> bool,
) {
    until("an entry is seen before it ends", || async {
        let before = Instant::now();
        store().await;
        let stored = Instant::now();
        let mut is_seen = false;
        loop {
            let asked = Instant::now();
            if !is_known().await {
                let age = before.elapsed();
                assert!(age + TICKS >= ttl, "it is gone after {age:?} at most");
                return is_seen.then_some(());
            }
            let age = asked.saturating_duration_since(stored);
            assert!(age <= ttl + TICKS, "it is served after {age:?} at least");
            is_seen = true;
        }
    })
    .await;
}

/// Says what is known of a row: a hit, an absence, or nothing.
async fn known(cache: &CacheService<RedisBackend>, id: u64) -> Found<Note> {
    cache.look_up::<Note>(&id).await.expect("no error")
}

/// Asks for what the repository does not have; says whether it was asked.
async fn asks_for_nothing(cache: &CacheService<RedisBackend>, id: u64) -> bool {
    let mut is_asked = false;
    let load = || {
        is_asked = true;
        async { Ok::<_, Error>(None::<Note>) }
    };
    let found = cache.get_or_load(&id, load).await.expect("no error");
    assert_eq!(found, None);
    is_asked
}

#[tokio::test]
async fn a_part_of_a_second_ends_in_time() {
    let store = Store::start().await;
    for millis in [120, 350, 900] {
        let ttl = Duration::from_millis(millis);
        let cache = cache_with(&store, ttl.into());
        let put = async || Way::Put.store(&cache, 1).await;
        let is_known = async || matches!(known(&cache, 1).await, Found::Hit(_));
        assert_ends_in_time(ttl, put, is_known).await;
    }
}

#[tokio::test]
async fn an_absence_ends_in_time() {
    let store = Store::start().await;
    let ttl = Duration::from_millis(350);
    let cache = cache_with(
        &store,
        Lifetime::new().with_ttl(HOUR).with_negative_ttl(ttl),
    );
    let is_known = async || matches!(known(&cache, 1).await, Found::Absent);
    let load = async || {
        until("an absence is stored", || async {
            asks_for_nothing(&cache, 1).await;
            is_known().await.then_some(())
        })
        .await;
    };
    assert_ends_in_time(ttl, load, is_known).await;
    assert!(
        asks_for_nothing(&cache, 1).await,
        "then it is asked for again"
    );
}

#[tokio::test]
async fn an_absence_has_the_lifetime_of_absences_and_no_jitter() {
    let store = Store::start().await;
    for negative in [MINUTE, HOUR * 3] {
        let lifetime = Lifetime::new()
            .with_ttl(HOUR)
            .with_jitter(0.5)
            .with_negative_ttl(negative);
        let cache = cache_with(&store, lifetime);
        for _ in 0..10 {
            store.run(&["FLUSHALL"]).await;
            until("an absence ends as it should", || async {
                asks_for_nothing(&cache, 1).await;
                let [absence, guard] = ends(&store, 1).await?;
                assert!(absence <= End::after(negative), "{absence:?}");
                assert!(guard >= absence, "{guard:?} < {absence:?}");
                if absence < End::after(negative) {
                    store.run(&["FLUSHALL"]).await;
                }
                (absence == End::after(negative)).then_some(())
            })
            .await;
            assert!(!asks_for_nothing(&cache, 1).await, "it is known");
        }
    }
}

#[tokio::test]
async fn absence_is_not_stored_without_negative_ttl_and_drops_what_is_there() {
    let store = Store::start().await;
    let cache = cache_with(&store, HOUR.into());
    for _ in 0..5 {
        Way::Put.store(&cache, 1).await;
        cache.invalidate::<Note>(&1).await.expect("no error");
        let left = store.names("ck:v:*").await;
        assert_eq!(left.len(), 1, "the guard is gone, the entry lies there");
        assert!(asks_for_nothing(&cache, 1).await);
        until_stored(&store, 0).await;
        assert!(asks_for_nothing(&cache, 1).await, "it was not stored");
        assert_eq!(store.names("ck:v:*").await.len(), 0);
        assert!(matches!(known(&cache, 1).await, Found::Miss));
    }
}

#[tokio::test]
async fn jitter_spreads_lifetimes_over_its_whole_range_and_no_further() {
    const COUNT: u64 = 200;
    let store = Store::start().await;
    let cache = cache_with(&store, Lifetime::new().with_ttl(HOUR).with_jitter(0.25));
    for way in WAYS {
        store.run(&["FLUSHALL"]).await;
        for id in 0..COUNT {
            way.store(&cache, id).await;
        }
        until_stored(&store, 200).await;
        let mut drawn = HashSet::new();
        for id in 0..COUNT {
            let [value, guard] = ends(&store, id).await.expect("it lives for long");
            assert!(guard >= value, "{guard:?} < {value:?}");
            drawn.insert(value);
        }
        let (shortest, longest) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        // When it was written may be told a little late.
        assert!(
            *shortest >= End::after(MINUTE * 45 - SECOND),
            "{shortest:?}"
        );
        assert!(*longest <= End::after(HOUR), "{longest:?}");
        assert!(*shortest < End::after(MINUTE * 48), "{shortest:?}");
        assert!(*longest > End::after(MINUTE * 57), "{longest:?}");
        assert!(drawn.len() > 150, "{} of {COUNT} differ", drawn.len());
    }
    let exact = cache_with(&store, Lifetime::new().with_ttl(HOUR).with_jitter(0.0));
    store.run(&["FLUSHALL"]).await;
    assert_ends(&store, &exact, Way::Put, End::after(HOUR)).await;
}

/// Makes an entry say that it was written so many milliseconds later than it was, and leaves its
/// end as it is.
async fn shift(store: &Store, id: u64, by: i64) {
    let name = store.parts::<Person>(&id).await.value;
    let mut bytes = store.get(&name).await;
    let mut written = [0; 8];
    written[..6].copy_from_slice(&bytes[at::TIME..at::TIME + 6]);
    let shifted = i64::from_le_bytes(written) + by;
    let complement = (1 << 48) - 1 - shifted;
    bytes[at::TIME..at::TIME + 6].copy_from_slice(&shifted.to_le_bytes()[..6]);
    bytes[at::TIME + 6..at::PAYLOAD].copy_from_slice(&complement.to_le_bytes()[..6]);
    let mut set = redis::cmd("SET");
    set.arg(name).arg(bytes).arg("KEEPTTL");
    store.ask::<redis::Value>(&set).await;
}

/// When an entry ends is up to Redis alone; how old it is says its header, by the server's clock.
#[tokio::test]
async fn an_age_is_told_from_the_header_and_an_end_is_not() {
    const MILLIS: i64 = 60_000;
    let store = Store::start().await;
    let by_class = TtlPolicy::PerType(Box::new(|class| match class {
        "guest" => MINUTE * 5,
        _ => HOUR,
    }));
    let cache = builder(&store).ttl_policy(by_class).build().unwrap();
    let ask = async |class: &'static str| {
        let mut feeder = GenericFeeder::<Person>::new(1);
        let config = OperationConfig::new().ttl_class(class);
        let source = Source::default();
        let fed = cache.execute_with(&mut feeder, &source, CacheStrategy::Refresh, config);
        fed.await.expect("no error");
        feeder.entity.expect("somebody").name
    };
    // Of the past, of long before an hour ago, and of the future.
    for (by, guest) in [(-4, "old"), (-6, "new"), (-600, "new"), (600, "old")] {
        cache.put(named(1, "old")).await.expect("no error");
        shift(&store, 1, by * MILLIS).await;
        assert_eq!(ask("admin").await, if by == -600 { "new" } else { "old" });
        cache.put(named(1, "old")).await.expect("no error");
        shift(&store, 1, by * MILLIS).await;
        assert!(
            cache.get::<Person>(&1).await.expect("no error").is_some(),
            "it has not ended"
        );
        assert_eq!(ask("guest").await, guest, "{by} minutes");
    }
}
