use super::{CacheEvent, CacheMetrics, Tier};
use foldhash::{HashMap, HashMapExt};
use metrics::{
    Counter, Histogram, Label, SharedString, counter, describe_counter, gauge, histogram,
};
use std::sync::{PoisonError, RwLock};

/// Publishes what happens in a cache through the [`metrics`](https://docs.rs/metrics) facade, for
/// Prometheus or whatever the program's recorder feeds.
///
#[doc = include_str!("metrics.md")]
///
/// Keys and values are never labels. The names are as Prometheus has them; install the recorder
/// first, for what is published before is lost. `cache_entries` is set when `stats()` is called:
/// call it before metrics are read, or from time to time.
///
/// An event costs a look-up of its counter, under a lock that readers share.
///
/// ```
/// use cache_kit::observe::MetricsExporter;
/// use cache_kit::prelude::*;
///
/// let cache = CacheService::builder(InMemoryBackend::new())
///     .metrics(MetricsExporter::new("users"))
///     .build()?;
/// # let _ = cache;
/// # Ok::<(), cache_kit::Error>(())
/// ```
#[derive(Debug)]
pub struct MetricsExporter {
    cache: SharedString,
    counters: Handles<Counter>,
    histograms: Handles<Histogram>,
}

/// What tells the series of one prefix apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    metric: &'static str,
    tier: Option<Tier>,
    /// The label that is the metric's own.
    own: Option<(&'static str, &'static str)>,
}

impl Series {
    const fn plain(metric: &'static str) -> Self {
        Self {
            metric,
            tier: None,
            own: None,
        }
    }

    const fn of(metric: &'static str, label: &'static str, value: &'static str) -> Self {
        Self {
            metric,
            tier: None,
            own: Some((label, value)),
        }
    }

    const fn request(tier: Tier, result: &'static str) -> Self {
        Self {
            metric: "cache_requests_total",
            tier: Some(tier),
            own: Some(("result", result)),
        }
    }

    fn labels(&self, cache: &SharedString, prefix: &str) -> Vec<Label> {
        let mut labels = vec![
            Label::new("cache", cache.clone()),
            Label::new("prefix", prefix.to_owned()),
        ];
        labels.extend(self.tier.map(|tier| Label::new("tier", tier.as_str())));
        labels.extend(self.own.map(|(label, value)| Label::new(label, value)));
        labels
    }
}

/// Handles of series, by prefix: to find one costs less than to make it anew.
struct Handles<H>(RwLock<HashMap<Box<str>, HashMap<Series, H>>>);

impl<H> Handles<H> {
    fn with(&self, prefix: &str, series: Series, make: impl FnOnce() -> H, act: impl FnOnce(&H)) {
        let handles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = handles.get(prefix).and_then(|of| of.get(&series));
        if let Some(handle) = known {
            return act(handle);
        }
        drop(handles);
        let mut handles = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of_prefix = handles.entry(prefix.into()).or_default();
        act(of_prefix.entry(series).or_insert_with(make));
    }
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<H> std::fmt::Debug for Handles<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handles").finish_non_exhaustive()
    }
}

impl MetricsExporter {
    /// Builds a sink whose metrics carry this label `cache`: several caches of one program tell
    /// their metrics apart by it.
    pub fn new(cache: impl Into<String>) -> Self {
        describe();
        Self {
            cache: SharedString::from(cache.into()),
            counters: Handles::default(),
            histograms: Handles::default(),
        }
    }

    fn count(&self, prefix: &str, series: Series) {
        let make = || counter!(series.metric, series.labels(&self.cache, prefix));
        self.counters
            .with(prefix, series, make, |counter| counter.increment(1));
    }

    fn measure(&self, prefix: &str, series: Series, seconds: f64) {
        let make = || histogram!(series.metric, series.labels(&self.cache, prefix));
        self.histograms
            .with(prefix, series, make, |histogram| histogram.record(seconds));
    }

    fn set_up(&self, server: &str, is_up: bool) {
        let labels = vec![
            Label::new("cache", self.cache.clone()),
            Label::new("server", server.to_owned()),
        ];
        gauge!("cache_backend_up", labels).set(f64::from(u8::from(is_up)));
    }
}

impl CacheMetrics for MetricsExporter {
    fn record(&self, event: &CacheEvent<'_>) {
        let series = match event {
            CacheEvent::Hit { tier, .. } => Series::request(*tier, "hit"),
            CacheEvent::AbsentHit { tier, .. } => Series::request(*tier, "absent"),
            CacheEvent::StaleHit { tier, .. } => Series::request(*tier, "stale"),
            CacheEvent::Miss { tier, .. } => Series::request(*tier, "miss"),
            CacheEvent::Refresh { .. } => Series::plain("cache_refreshes_total"),
            CacheEvent::StandIn { .. } => Series::plain("cache_stand_ins_total"),
            CacheEvent::Coalesced { .. } => Series::plain("cache_coalesced_total"),
            CacheEvent::Load {
                prefix,
                outcome,
                elapsed,
            } => {
                let result = outcome.as_str();
                let duration = Series::of("cache_load_duration_seconds", "result", result);
                self.measure(prefix, duration, elapsed.as_secs_f64());
                Series::of("cache_loads_total", "result", result)
            }
            CacheEvent::Fill { .. } => Series::of("cache_fills_total", "result", "stored"),
            CacheEvent::SupersededFill { .. } => {
                Series::of("cache_fills_total", "result", "superseded")
            }
            CacheEvent::Put { .. } => Series::plain("cache_puts_total"),
            CacheEvent::Invalidation { source, .. } => {
                Series::of("cache_invalidations_total", "source", source.as_str())
            }
            CacheEvent::Eviction { cause, .. } => {
                Series::of("cache_evictions_total", "cause", cause.as_str())
            }
            CacheEvent::DecodeFailure { reason, .. } => {
                Series::of("cache_decode_failures_total", "reason", reason.as_str())
            }
            CacheEvent::Failure { operation, .. } => {
                Series::of("cache_failures_total", "operation", operation.as_str())
            }
            CacheEvent::Up { server } => return self.set_up(server, true),
            CacheEvent::Down { server } => return self.set_up(server, false),
        };
        self.count(event.prefix(), series);
    }

    fn entries(&self, entries: u64) {
        let labels = vec![Label::new("cache", self.cache.clone())];
        #[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
        gauge!("cache_entries", labels).set(entries as f64);
    }
}

/// Says of each metric what it says, as the table does.
fn describe() {
    for row in include_str!("metrics.md").lines().skip(2) {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let (Some(metric), Some(kind), _, Some(what)) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        let metric = metric.trim_matches('`');
        match kind {
            "histogram" => metrics::describe_histogram!(metric, metrics::Unit::Seconds, what),
            "gauge" => metrics::describe_gauge!(metric, what),
            _ => describe_counter!(metric, what),
        }
    }
}
