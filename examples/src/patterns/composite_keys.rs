//! Composite Keys: an entity that is named by several values together.

#[expect(clippy::uninlined_format_args, reason = "the guide's own words")]
pub mod by_hand;
pub mod with_macros;

use anyhow::ensure;
use cache_kit::prelude::*;

use super::sources::Sources;

/// The two versions.
pub const SOURCES: Sources = Sources {
    heading: "Composite Keys",
    by_hand: include_str!("composite_keys/by_hand.rs"),
    with_macros: include_str!("composite_keys/with_macros.rs"),
};

/// The table that both versions ask: who worked where in a year, and for how much.
const TABLE: [(&str, i32, &str, f64); 3] = [
    ("ada", 2023, "Difference & Sons", 41_000.0),
    ("ada", 2024, "Analytical Engines", 52_000.0),
    ("joe", 2024, "Loom Works", 38_000.0),
];

/// Finds a row.
fn row(person_id: &str, year: i32) -> Option<(String, f64)> {
    TABLE
        .iter()
        .find(|row| (row.0, row.1) == (person_id, year))
        .map(|row| (row.2.to_owned(), row.3))
}

/// Asks each version three times for one employment and once for another.
pub(super) async fn run() -> super::Facts {
    let mut expander = CacheExpander::new(InMemoryBackend::new());
    let employments = with_macros::Employments {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    for year in [2024, 2024, 2024, 2023] {
        by_hand::fetch_employment(&mut expander, "ada".to_owned(), year).await;
        with_macros::fetch_employment(&employments, "ada", year).await;
    }
    let loads = expander.service().stats().loads;
    ensure!(
        loads == 2,
        "by hand, 4 fetches of 2 keys took {loads} loads"
    );
    let loads = employments.cache.stats().loads;
    ensure!(
        loads == 2,
        "with macros, 4 fetches of 2 keys took {loads} loads"
    );
    let key = by_hand::EmploymentKey {
        person_id: "a:b".to_owned(),
        year: 2024,
    };
    Ok(vec![
        "4 fetches of 2 keys: 2 loads, in both versions".to_owned(),
        format!(
            "`a:b` in 2024 is `{key}` by hand, `{}` when derived",
            with_macros::EmploymentKey::new("a:b", 2024)
        ),
    ])
}
