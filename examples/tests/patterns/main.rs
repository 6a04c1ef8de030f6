//! What the patterns of the guide claim, each in both of its versions.

mod async_patterns;
mod batch_operations;
mod builder_pattern;
mod composite_keys;
mod custom_serialization;
mod error_handling;
mod registry_pattern;
mod table;
mod ttl_strategies;

use std::sync::Arc;
use std::time::Duration;

use cache_kit::prelude::*;
use cache_kit_examples::patterns::counting::Counting;
use cache_kit_examples::patterns::staff::EmploymentRepository;
use cache_kit_examples::patterns::{self, ALL};

/// Makes a table of employments that counts its queries.
fn table() -> Arc<Counting<EmploymentRepository>> {
    Arc::new(Counting::new(EmploymentRepository))
}

/// Says what lives for so many seconds, neither less nor more, in what was stored just now.
async fn lives_for<T: CacheEntity>(
    cache: &CacheService<InMemoryBackend>,
    clock: &cache_kit::ManualClock,
    key: T::Key,
    seconds: u64,
) {
    clock.advance(Duration::from_secs(seconds - 1));
    let found = cache.get::<T>(&key).await.expect("memory does not fail");
    assert!(found.is_some(), "gone before {seconds} s");
    clock.advance(Duration::from_secs(1));
    let found = cache.get::<T>(&key).await.expect("memory does not fail");
    assert!(found.is_none(), "still there after {seconds} s");
}

/// Returns the page that the example prints.
async fn page() -> String {
    let mut page = Vec::new();
    patterns::run(&mut page).await.expect("every claim holds");
    String::from_utf8(page).expect("text")
}

#[tokio::test(start_paused = true)]
async fn the_page_has_the_guides_headings_in_its_order() {
    let page = page().await;
    let mut rest = page.as_str();
    for heading in [
        "Composite Keys",
        "Builder Pattern",
        "Registry Pattern",
        "TTL Strategies",
        "Error Handling",
        "Batch Operations",
        "Custom Serialization",
        "Async Patterns",
    ] {
        let line = "-".repeat(heading.len());
        let at = rest.find(&format!("\n{heading}\n{line}\n"));
        rest = &rest[at.unwrap_or_else(|| panic!("{heading} is not where it belongs"))..];
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_compares_the_lines_of_every_pattern() {
    let page = page().await;
    for sources in ALL {
        let comparison = sources.comparison();
        assert!(page.contains(&comparison), "{}", sources.heading);
    }
}

#[test]
fn the_macros_leave_less_to_write() {
    for sources in ALL {
        assert!(
            sources.with_macros() < sources.by_hand(),
            "{}",
            sources.heading
        );
    }
}

#[test]
fn what_is_counted_has_no_comments_that_the_count_takes_for_code() {
    for sources in ALL {
        assert!(!sources.by_hand.contains("/*"), "{}", sources.heading);
        assert!(!sources.with_macros.contains("/*"), "{}", sources.heading);
    }
}
