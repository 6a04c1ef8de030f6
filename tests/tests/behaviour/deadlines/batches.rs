//! Batches of very many keys, in a store far away that takes its time for each of them.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{
    Error, Result,
    store::{Entry, Fill, Filled, Intent, Lookup, Opened, Scope, Shape, Tag, TagStamps},
};
use cache_kit_tests::{Person, Source};
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long a part of a batch may take. A part of at most 1000 keys takes less.
const DEADLINE: Duration = Duration::from_millis(500);
const PER_KEY: Duration = Duration::from_micros(400);

const COUNT: u64 = 20_000;

/// No answer comes to a fill with the person of this id.
const LOST: u64 = 10_000;

#[derive(Clone, Debug, Default)]
struct Laborious(ByteBackend);

async fn work(keys: usize) {
    tokio::time::sleep(PER_KEY * u32::try_from(keys).unwrap()).await;
}

fn is_lost<P>(fill: &Fill<P>) -> bool {
    match &fill.entry {
        Entry::Value(value) => value
            .downcast_ref()
            .is_some_and(|it: &Person| it.id == LOST),
        _ => false,
    }
}

impl CacheBackend for Laborious {
    type Permit = <ByteBackend as CacheBackend>::Permit;

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        work(keys.len()).await;
        self.0.read(keys, shape).await
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Vec<Result<Opened<Self::Permit>>> {
        work(keys.len()).await;
        self.0.open(keys, shape, intent).await
    }

    async fn fill(
        &self,
        fills: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        work(fills.len()).await;
        if fills.iter().any(is_lost) {
            return pending().await;
        }
        self.0.fill(fills, shape).await
    }

    async fn put(
        &self,
        puts: Vec<Fill<Self::Permit>>,
        shape: &'static Shape,
    ) -> Vec<Result<Filled>> {
        self.0.put(puts, shape).await
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        work(keys.len()).await;
        self.0.invalidate(keys).await
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        self.0.clear(scope).await
    }

    async fn stamp_tags(
        &self,
        namespace: Option<&str>,
        tags: &[Tag],
        lasts: Option<Duration>,
    ) -> Result<TagStamps> {
        work(tags.len()).await;
        self.0.stamp_tags(namespace, tags, lasts).await
    }

    async fn health(&self) -> Result<()> {
        self.0.health().await
    }

    fn is_remote(&self) -> bool {
        true
    }
}

fn cache(policy: FailurePolicy) -> CacheService<Laborious> {
    CacheService::builder(Laborious::default())
        .failure_policy(policy)
        .backend_deadline(DEADLINE)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_very_many_keys_has_a_deadline_for_each_part_of_it() {
    for policy in [FailurePolicy::Degrade, FailurePolicy::Propagate] {
        // A part of them is given up, and no other.
        let (cache, ids) = (
            cache(policy),
            (LOST + 1..LOST + 1 + COUNT).collect::<Vec<_>>(),
        );
        let loads = AtomicU64::new(0);
        let find = || {
            cache.get_or_load_many::<Person, _, _>(&ids, async |ids| {
                loads.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Error>(ids.into_iter().map(Source::row).collect())
            })
        };
        for _ in 0..2 {
            let found = find().await.unwrap();
            assert!(found.iter().all(Option::is_some));
            cache.run_pending_tasks().await.unwrap();
        }
        assert_eq!(loads.load(Ordering::SeqCst), 1, "{policy:?}");
        let stats = cache.stats();
        let counts = (stats.hits, stats.fills, stats.failures);
        assert_eq!(counts, (COUNT, COUNT, 0), "{policy:?}");

        cache.invalidate_many::<Person>(&ids).await.unwrap();
        let found = cache.get_many::<Person>(&ids).await;
        assert!(found.into_iter().all(|it| it.unwrap().is_none()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_batch_stay_stored_where_another_part_fails() {
    let (cache, ids) = (
        cache(FailurePolicy::Degrade),
        (0..COUNT).collect::<Vec<_>>(),
    );
    let load = async |ids: Vec<u64>| {
        let people = ids.into_iter().map(Source::row);
        Ok::<_, Error>(people.collect())
    };
    let found = cache.get_or_load_many::<Person, _, _>(&ids, load).await;
    assert!(found.unwrap().iter().all(Option::is_some));
    let begun = Instant::now();
    cache.run_pending_tasks().await.unwrap();
    let took = begun.elapsed();
    assert!(took < PER_KEY * 20_000 + 3 * DEADLINE, "{took:?}");
    let found = cache.get_many::<Person>(&ids).await.into_iter();
    let found: Vec<_> = found.map(|it| it.unwrap().is_some()).collect();
    let lost = found.iter().filter(|is_found| !**is_found).count();
    assert!((1..=1000).contains(&lost), "{lost} of {COUNT} were lost");
    assert!(found[0] && found[found.len() - 1]);
    assert_eq!(cache.stats().failures, lost as u64);
}
