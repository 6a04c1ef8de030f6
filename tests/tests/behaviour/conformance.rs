//! Every backend passes the one suite; a store that cannot keep the promise does not.

use cache_kit::testing::{ByteBackend, conformance};
use cache_kit::{
    AnyBackend, CacheBackend, CacheKey, InMemoryBackend, Result,
    store::{
        Age, Entry, Erased, Fill, Filled, Intent, Lease, Lookup, Opened, Scope, Shape, Stamp, Tag,
        TagStamps,
    },
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_backend_passes() {
    conformance::run(async || InMemoryBackend::new())
        .await
        .assert_passed();
}

#[tokio::test]
async fn one_memory_backend_passes_again_and_again() {
    let backend = InMemoryBackend::new();
    for _ in 0..3 {
        conformance::run(async || backend.clone())
            .await
            .assert_passed();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backend_chosen_at_run_time_passes() {
    conformance::run(async || AnyBackend::new(InMemoryBackend::new()))
        .await
        .assert_passed();
    conformance::run(async || AnyBackend::new(ByteBackend::default()))
        .await
        .assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_byte_backend_passes() {
    conformance::run(async || ByteBackend::default())
        .await
        .assert_passed();
}

/// What a team writes first: get, set, delete.
#[derive(Clone, Default)]
struct Bare(Arc<Mutex<HashMap<CacheKey, Option<Erased>>>>);

impl Bare {
    fn look_up(&self, key: &CacheKey, shape: &'static Shape) -> Lookup {
        match self.0.lock().unwrap().get(key) {
            Some(Some(value)) if shape.describes(value) => Lookup::Hit {
                value: value.clone(),
                age: Age::new(Duration::ZERO),
            },
            Some(None) => Lookup::Absent {
                age: Age::new(Duration::ZERO),
            },
            _ => Lookup::Miss(Some(Stamp::new(0))),
        }
    }

    fn set(&self, fill: Fill<CacheKey>) -> Filled {
        let value = match fill.entry {
            Entry::Value(value) => Some(value),
            _ => None,
        };
        self.0.lock().unwrap().insert(fill.permit, value);
        Filled::Stored
    }
}

impl CacheBackend for Bare {
    type Permit = CacheKey;

    async fn read(&self, keys: &[CacheKey], shape: &'static Shape) -> Vec<Result<Lookup>> {
        keys.iter()
            .map(|key| Ok(self.look_up(key, shape)))
            .collect()
    }

    async fn open(
        &self,
        keys: &[CacheKey],
        shape: &'static Shape,
        _: Intent,
    ) -> Vec<Result<Opened<CacheKey>>> {
        let open = |key: &CacheKey| Opened {
            permit: key.clone(),
            stamp: Stamp::new(0),
            found: self.look_up(key, shape),
            lease: Lease::Held,
        };
        keys.iter().map(|key| Ok(open(key))).collect()
    }

    async fn fill(&self, fills: Vec<Fill<CacheKey>>, _: &'static Shape) -> Vec<Result<Filled>> {
        fills.into_iter().map(|fill| Ok(self.set(fill))).collect()
    }

    async fn put(&self, puts: Vec<Fill<CacheKey>>, _: &'static Shape) -> Vec<Result<Filled>> {
        puts.into_iter().map(|put| Ok(self.set(put))).collect()
    }

    async fn invalidate(&self, keys: &[CacheKey]) -> Vec<Result<()>> {
        for key in keys {
            self.0.lock().unwrap().remove(key);
        }
        keys.iter().map(|_| Ok(())).collect()
    }

    async fn clear(&self, scope: Scope<'_>) -> Result<()> {
        if let Scope::Prefix(prefix) = scope {
            let mut entries = self.0.lock().unwrap();
            entries.retain(|key, _| key.prefix() != prefix);
        }
        Ok(())
    }

    async fn stamp_tags(
        &self,
        _: Option<&str>,
        tags: &[Tag],
        _: Option<Duration>,
    ) -> Result<TagStamps> {
        Ok(TagStamps {
            tags: vec![Stamp::new(0); tags.len()],
            epoch: Stamp::new(0),
        })
    }

    async fn health(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_store_that_only_gets_sets_and_deletes_fails_where_it_must() {
    let report = conformance::run(async || Bare::default()).await;
    let failed: Vec<_> = report.failed.iter().map(|(name, _)| *name).collect();
    for check in [
        "an_invalidation_voids_a_permit",
        "a_clear_voids_a_permit",
        "a_put_voids_a_permit",
        "of_two_overlapping_puts_neither_is_believed",
        "a_stamp_does_not_come_back",
    ] {
        assert!(failed.contains(&check), "{report}");
    }
    assert!(
        report.passed.contains(&"what_is_filled_is_read"),
        "{report}"
    );
    let shown = report.to_string();
    assert!(
        shown.contains(
            "a load from before an invalidation, stored after it, is Stored, not Superseded"
        ),
        "{shown}"
    );
}
