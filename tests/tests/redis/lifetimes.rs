//! How long what is stored lives, as Redis itself says it.
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "these cannot go below zero"
)]

mod ends;

use crate::fixtures::{Store, at, config};
use cache_kit::prelude::*;
use cache_kit::{CacheServiceBuilder, Error, RedisBackend};
use cache_kit_tests::until;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// An entity that says nothing of its lifetime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "note", key = id)]
struct Note {
    id: u64,
}

/// The same in another version, whose entries share their guards with the first one's.
mod later {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "note", key = id)]
    pub(super) struct Note {
        pub(super) id: u64,
        pub(super) text: String,
    }
}

fn builder(store: &Store) -> CacheServiceBuilder<RedisBackend> {
    // Patient: what these tests are about is not how long an answer takes.
    let config = config(&store.server).deadline(20 * SECOND);
    CacheService::builder(RedisBackend::new(config).expect("a config that works"))
}

fn cache_with(store: &Store, lifetime: Lifetime) -> CacheService<RedisBackend> {
    let builder = builder(store).default_lifetime(lifetime);
    builder.build().expect("settings that work")
}

/// How an entry comes to be stored.
#[derive(Clone, Copy, Debug)]
enum Way {
    Put,
    PutWith,
    Load,
    LoadMany,
}

const WAYS: [Way; 4] = [Way::Put, Way::PutWith, Way::Load, Way::LoadMany];

impl Way {
    async fn store(self, cache: &CacheService<RedisBackend>, id: u64) {
        let note = async || Ok::<_, Error>(Note { id });
        match self {
            Self::Put => cache.put(Note { id }).await,
            Self::PutWith => cache.put_with(&id, note).await.map(drop),
            Self::Load => find(cache, Some(Note { id }), id).await,
            Self::LoadMany => {
                let load = async |_| note().await.map(|note| vec![note]);
                cache.get_or_load_many(&[id], load).await.map(drop)
            }
        }
        .expect("no error");
    }
}

async fn find<T: CacheEntity<Key = u64>>(
    cache: &CacheService<RedisBackend>,
    row: Option<T>,
    id: u64,
) -> cache_kit::Result<()> {
    let load = async || Ok::<_, Error>(row);
    cache.get_or_load(&id, load).await.map(drop)
}

/// When something ends, by what Redis has it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum End {
    /// So many milliseconds after the entry was written.
    After(i64),
    Never,
}

impl End {
    fn after(duration: Duration) -> Self {
        Self::After(i64::try_from(duration.as_millis()).expect("not that long"))
    }
}

/// When an entry of the first version ends, and when its guard; `None` if there is none.
async fn ends(store: &Store, id: u64) -> Option<[End; 2]> {
    let values = store.names(&format!("ck:v:{{note:{id}}}:*")).await;
    let [value] = values.as_slice() else {
        return None;
    };
    ends_of(store, value, &format!("ck:g:{{note:{id}}}")).await
}

/// Both are asked about at once, as is what the entry says of when it was written: nothing depends
/// on how long asking takes.
async fn ends_of(store: &Store, value: &str, guard: &str) -> Option<[End; 2]> {
    const ASK: &str = "local function ends(name) return redis.call('PEXPIRETIME', name) end
return {redis.call('GET', KEYS[1]), ends(KEYS[1]), ends(KEYS[2])}";
    let mut ask = redis::cmd("EVAL");
    ask.arg(ASK).arg(2).arg(value).arg(guard);
    let (entry, value, guard): (Option<Vec<u8>>, i64, i64) = store.ask(&ask).await;
    let mut written = [0; 8];
    written[..6].copy_from_slice(&entry?[at::TIME..at::TIME + 6]);
    let written = i64::from_le_bytes(written);
    Some([value, guard].map(|end| match end {
        -2 => panic!("an entry without a guard"),
        -1 => End::Never,
        end => End::After(end - written),
    }))
}

/// Stores an entry, over and over until it ends as it should, and says when its guard ends. Never
/// may it end later. That it seems to end a little earlier is no fault: the server looks at its
/// clock once to say when it was written, and once more.
async fn assert_ends(
    store: &Store,
    cache: &CacheService<RedisBackend>,
    way: Way,
    wanted: End,
) -> End {
    until(&format!("{way:?} stores what ends {wanted:?}"), || async {
        way.store(cache, 1).await;
        let [value, guard] = ends(store, 1).await?;
        assert!(value <= wanted, "{way:?}: {value:?} instead of {wanted:?}");
        assert!(
            guard >= value,
            "{way:?}: {value:?}, and its guard {guard:?}"
        );
        if value < wanted {
            store.run(&["FLUSHALL"]).await;
        }
        (value == wanted).then_some(guard)
    })
    .await
}

/// Waits until there are so many entries: nobody waits for what was loaded to be stored.
async fn until_stored(store: &Store, count: usize) -> Vec<String> {
    until("what was loaded is stored", || async {
        let values = store.names("ck:v:*").await;
        (values.len() == count).then_some(values)
    })
    .await
}

#[tokio::test]
async fn a_ttl_is_kept_to_the_millisecond() {
    let store = Store::start().await;
    for millis in [250, 499, 500, 999, 1000, 1001, 59_999, 3_600_001] {
        let ttl = Duration::from_millis(millis);
        let cache = cache_with(&store, ttl.into());
        for way in WAYS {
            store.run(&["FLUSHALL"]).await;
            assert_ends(&store, &cache, way, End::after(ttl)).await;
        }
    }
}

#[tokio::test]
async fn a_ttl_between_two_milliseconds_is_the_longer_one() {
    let store = Store::start().await;
    for (ttl, longer) in [
        (Duration::from_micros(19_001), 20),
        (Duration::from_nanos(249_000_001), 250),
        (SECOND + Duration::from_nanos(1), 1001),
    ] {
        let cache = cache_with(&store, ttl.into());
        store.run(&["FLUSHALL"]).await;
        assert_ends(&store, &cache, Way::Put, End::After(longer)).await;
    }
}

/// Redis adds a TTL to its clock, and the sum must fit.
#[tokio::test]
async fn decades_are_kept_and_a_thousand_years_have_no_end() {
    let store = Store::start().await;
    let tick = Duration::from_millis(1);
    for (ttl, is_kept) in [
        (YEAR * 31, true),
        (YEAR * 99, true),
        (YEAR * 583, true),
        (YEAR * 1000 - tick, true),
        (YEAR * 1000, false),
        (Duration::MAX - tick, false),
        (Duration::MAX, false),
    ] {
        let cache = cache_with(&store, ttl.into());
        let wanted = if is_kept { End::after(ttl) } else { End::Never };
        for way in WAYS {
            store.run(&["FLUSHALL"]).await;
            assert_ends(&store, &cache, way, wanted).await;
            assert!(cache.get::<Note>(&1).await.expect("no error").is_some());
        }
    }
}

#[tokio::test]
async fn without_a_ttl_nothing_of_an_entry_has_an_end() {
    let store = Store::start().await;
    let infinite = builder(&store)
        .default_lifetime(SECOND)
        .ttl_policy(TtlPolicy::Infinite);
    for cache in [
        cache_with(&store, Lifetime::new()),
        infinite.build().unwrap(),
    ] {
        for way in WAYS {
            store.run(&["FLUSHALL"]).await;
            let guard = assert_ends(&store, &cache, way, End::Never).await;
            assert_eq!(guard, End::Never, "{way:?}");
            let names = store.names("ck:[gv]:*").await;
            // What is known of a namespace is not asked about again for a second.
            assert!(
                (3..=4).contains(&names.len()),
                "a value, its guard, its prefix' and its namespace': {names:?}"
            );
            for name in names {
                let left: i64 = store.ask(redis::cmd("PTTL").arg(&name)).await;
                assert_eq!(left, -1, "{name}");
            }
        }
    }
}

/// Entries of two versions share a guard, whichever is stored first and whichever lives longer.
#[tokio::test]
async fn a_guard_outlives_every_entry_that_is_stored_under_it() {
    let store = Store::start().await;
    // About the minute that a guard lasts for no entry at all, and twice that.
    let lifetimes = [SECOND * 30, SECOND * 90, HOUR, YEAR * 31, Duration::MAX];
    for first in lifetimes {
        for second in lifetimes {
            store.run(&["FLUSHALL"]).await;
            Way::Load.store(&cache_with(&store, first.into()), 1).await;
            until_stored(&store, 1).await;
            let parts = store.parts::<Note>(&1).await;
            let guard = store.get(&parts.guard).await;
            let text = String::new();
            let note = later::Note { id: 1, text };
            let cache = cache_with(&store, second.into());
            find(&cache, Some(note), 1).await.expect("no error");
            let values = until_stored(&store, 2).await;
            assert_eq!(store.get(&parts.guard).await, guard, "they share it");
            for value in values {
                let ends = ends_of(&store, &value, &parts.guard).await;
                let [value, guard] = ends.expect("it is there");
                assert!(
                    guard >= value,
                    "{first:?}, {second:?}: {guard:?} < {value:?}"
                );
            }
        }
    }
}

/// A guard lasts for a minute when it is made, and what is then stored for a minute is stored a
/// moment later.
#[tokio::test]
async fn a_guard_outlives_an_entry_that_lasts_as_long_as_a_new_guard() {
    // Only a few of them meet the end of a millisecond.
    const COUNT: u64 = 1500;
    let store = Store::start().await;
    let cache = cache_with(&store, MINUTE.into());
    for id in 0..COUNT {
        Way::Load.store(&cache, id).await;
    }
    until_stored(&store, 1500).await;
    for id in 0..COUNT {
        let [value, guard] = ends(&store, id).await.expect("it is there");
        assert!(guard >= value, "{guard:?} < {value:?}");
    }
}
