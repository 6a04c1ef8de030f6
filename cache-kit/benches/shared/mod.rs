//! What the benches share: an entity, draws, and figures.
#![allow(dead_code, reason = "each bench uses a part")]

use cache_kit::prelude::*;
use std::path::PathBuf;

/// How many keys are drawn from.
pub(crate) const KEYS: usize = 10_000;

/// How many draws there are before they begin again.
pub(crate) const DRAWS: usize = 1 << 15;

/// An entity of some 300 bytes.
#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "employment", ttl = "1h", key = person_id)]
pub(crate) struct Employment {
    pub(crate) person_id: String,
    year: i32,
    employer: String,
    salary: f64,
    tags: Vec<String>,
    history: Vec<(i64, String)>,
}

impl Employment {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            person_id: person_id(id),
            year: 2026,
            employer: format!("employer number {id:08}"),
            salary: 1234.5,
            tags: (0..4).map(|tag| format!("tag-{id:05}-{tag}")).collect(),
            history: (0..5)
                .map(|at| (at, format!("changed position in month {at:06}")))
                .collect(),
        }
    }
}

pub(crate) fn person_id(id: u64) -> String {
    format!("person{id:06}")
}

/// Draws ranks by zipf, the same in every run; 0 makes all of them equal.
pub(crate) fn draws(zipf: f64) -> Vec<usize> {
    let mut sum = 0.0;
    #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
    let shares: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += (rank as f64).powf(-zipf);
            sum
        })
        .collect();
    let mut state = 1_u64;
    let mut draw = || {
        // An LCG (Knuth's constants); its upper bits are good enough to draw with.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = f64::from(u32::try_from(state >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        let rank = shares.partition_point(|share| *share < uniform * sum);
        rank.min(KEYS - 1)
    };
    (0..DRAWS).map(|_| draw()).collect()
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Where cargo builds: benches run in the package's folder, wherever that target is.
pub(crate) fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors()
        .nth(3) // of `target/release/deps/hit`
        .map_or_else(|| PathBuf::from("target"), Into::into)
}
