use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_kit::ManualClock;
use cache_kit::prelude::*;
use cache_kit_examples::patterns::builder_pattern::by_hand::CacheBuilder;
use cache_kit_examples::patterns::builder_pattern::{by_hand, with_macros};
use cache_kit_examples::patterns::staff::{Employment, EmploymentRepository};

use crate::lives_for;

/// Remembers the names of what it is told.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<&'static str>>>);

impl CacheMetrics for Names {
    fn record(&self, event: &CacheEvent<'_>) {
        self.0.lock().expect("no panic").push(event.name());
    }
}

async fn fetch(expander: &CacheExpander<InMemoryBackend>) {
    let mut feeder = GenericFeeder::<Employment>::new("emp_1".to_owned());
    expander
        .with(&mut feeder, &EmploymentRepository, CacheStrategy::Refresh)
        .await
        .expect("the table does not fail");
    assert!(feeder.entity.is_some());
}

#[tokio::test]
async fn what_is_built_tells_the_sink_and_keeps_to_the_policy() {
    let (names, clock) = (Names::default(), ManualClock::new());
    let backend = InMemoryBackend::builder()
        .clock(&clock)
        .build()
        .expect("settings that work");
    let expander = CacheBuilder::new(backend)
        .with_ttl(TtlPolicy::Fixed(Duration::from_secs(60)))
        .with_metrics(Box::new(names.clone()))
        .build();
    fetch(&expander).await;
    fetch(&expander).await;
    let told = names.0.lock().expect("no panic").clone();
    assert_eq!(told, ["up", "miss", "load", "fill", "hit"]);
    lives_for::<Employment>(expander.service(), &clock, "emp_1".to_owned(), 60).await;
}

#[tokio::test]
async fn both_set_ups_cache() {
    let shipped = with_macros::setup_cache().expect("settings that work");
    for expander in [by_hand::setup_cache(), shipped.into()] {
        fetch(&expander).await;
        fetch(&expander).await;
        let stats = expander.service().stats();
        assert_eq!((stats.loads, stats.hits), (1, 1));
    }
}
