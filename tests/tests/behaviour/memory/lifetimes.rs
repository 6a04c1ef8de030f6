//! How long an entry in memory lives after it was replaced.

use cache_kit::prelude::*;
use cache_kit::store::{Entry, Fill, Intent, Lookup, Shape};
use cache_kit_tests::Person;
use std::sync::Arc;
use std::time::Duration;

async fn fill(backend: &InMemoryBackend, key: &CacheKey, ttl: Option<Duration>) {
    let keys = std::slice::from_ref(key);
    let shape = Shape::of::<Person>();
    let opened = backend.open(keys, shape, Intent::Load).await.remove(0);
    let person = Person {
        id: 1,
        name: format!("{ttl:?}"),
    };
    let fill = Fill {
        permit: opened.unwrap().permit,
        entry: Entry::Value(Arc::new(person)),
        ttl,
        stale: Duration::ZERO,
        tags: Vec::new(),
    };
    let _ = backend.fill(vec![fill], shape).await.remove(0).unwrap();
}

fn is_there(backend: &InMemoryBackend, key: &CacheKey) -> bool {
    let found = backend.peek(key.borrowed(), Shape::of::<Person>());
    matches!(found, Some(Lookup::Hit { .. }))
}

#[tokio::test]
async fn the_last_ttl_is_the_one_that_counts() {
    let years = Duration::from_secs(584 * 365 * 86400);
    let short = Some(Duration::from_millis(40));
    let long = Some(Duration::from_secs(3600));
    let tiny = Some(Duration::from_nanos(1));
    let all = [short, long, tiny, None, Some(years), Some(Duration::MAX)];
    for first in all {
        for wait in [false, true] {
            for second in all {
                let backend = InMemoryBackend::new();
                let key = CacheKey::of::<Person>(None, &1).unwrap();
                fill(&backend, &key, first).await;
                if wait {
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                fill(&backend, &key, second).await;
                let what = format!("{first:?}, {wait}, {second:?}");
                assert_eq!(is_there(&backend, &key), second != tiny, "{what}");
                if wait {
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    let lives = second != tiny && second != short;
                    assert_eq!(is_there(&backend, &key), lives, "later: {what}");
                }
            }
        }
    }
}
