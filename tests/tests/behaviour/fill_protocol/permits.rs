//! Permits where they do not belong.

use cache_kit::prelude::*;
use cache_kit::store::{Entry, Fill, Filled, Intent, Shape};
use cache_kit_tests::Person;
use std::sync::Arc;
use std::time::Duration;

fn person(id: u64, name: &str) -> Person {
    Person {
        id,
        name: name.into(),
    }
}

#[tokio::test]
async fn a_permit_of_another_store_stores_nothing() {
    let (a, b) = (InMemoryBackend::new(), InMemoryBackend::new());
    let keys = [CacheKey::of::<Person>(None, &1).unwrap()];
    let shape = Shape::of::<Person>();
    a.invalidate(&keys).await;
    let opened = a.open(&keys, shape, Intent::Load).await.remove(0).unwrap();
    b.invalidate(&keys).await; // after the open
    let entry = Entry::Value(Arc::new(person(1, "old")));
    let fill = Fill {
        permit: opened.permit,
        entry,
        ttl: None,
        stale: Duration::ZERO,
        tags: Vec::new(),
    };
    let filled = b.fill(vec![fill], shape).await.remove(0);
    assert!(!matches!(filled, Ok(Filled::Stored)));
}
