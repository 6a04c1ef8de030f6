//! The table of metrics is true, row by row: what it names is published, under these labels and
//! with these values, when that happens, and nothing else is.

use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, Fault, FaultyBackend};
use cache_kit::{
    CacheServiceBuilder, Error,
    observe::{MetricsExporter, Operation},
};
use cache_kit_tests::{Distant, Person, clocked_cache, settle};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TABLE: &str = include_str!("../../../cache-kit/src/observe/metrics.md");

/// One line of the table.
struct Row {
    metric: &'static str,
    kind: &'static str,
    labels: BTreeSet<&'static str>,
    /// The values of the metric's own label.
    values: BTreeSet<&'static str>,
}

fn rows() -> Vec<Row> {
    let rows = TABLE.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        Row {
            metric: cells[1].trim_matches('`'),
            kind: cells[2],
            labels: cells[3]
                .split(' ')
                .map(|label| label.trim_matches('`'))
                .collect(),
            values: cells[4].split('`').skip(1).step_by(2).collect(),
        }
    });
    rows.collect()
}

/// What has been published since the last look, by metric and labels without `cache`:
/// `metric label=value …`.
struct Meter {
    snapshotter: Snapshotter,
    /// Whatever was published: kind, labels, and values of the last label.
    published: BTreeMap<String, (String, BTreeSet<String>, BTreeSet<String>)>,
}

impl Meter {
    fn read(&mut self) -> BTreeMap<String, f64> {
        let mut seen = BTreeMap::new();
        for (key, _, description, value) in self.snapshotter.snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            assert!(description.is_some(), "{} is described", key.name());
            let labels: Vec<_> = key.labels().collect();
            let kind = format!("{kind:?}").to_lowercase();
            let known = self.published.entry(key.name().to_owned());
            let known = known.or_insert_with(|| (kind, BTreeSet::new(), BTreeSet::new()));
            known
                .1
                .extend(labels.iter().map(|label| label.key().to_owned()));
            let last = labels.last().expect("a label");
            known.2.insert(last.value().to_owned());
            assert_eq!(labels[0].value(), "people", "the cache's name");
            let shown: Vec<_> = labels[1..]
                .iter()
                .map(|label| format!(" {}={}", label.key(), label.value()))
                .collect();
            #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(values) => values.len() as f64,
            };
            if value != 0.0 {
                seen.insert(format!("{}{}", key.name(), shown.concat()), value);
            }
        }
        seen
    }

    /// What has happened is what was published, once each.
    fn assert_read(&mut self, case: &str, wanted: &[&str]) {
        self.assert_counted(
            case,
            &wanted
                .iter()
                .map(|series| (*series, 1.0))
                .collect::<Vec<_>>(),
        );
    }

    fn assert_counted(&mut self, case: &str, wanted: &[(&str, f64)]) {
        let wanted = wanted
            .iter()
            .map(|(series, count)| ((*series).to_owned(), *count));
        assert_eq!(self.read(), wanted.collect(), "{case}");
    }
}

/// Runs a test whose metrics go to a recorder of its own.
fn metered<F: Future<Output = Meter>>(test: impl FnOnce(Meter) -> F) -> Meter {
    let recorder = DebuggingRecorder::new();
    let meter = Meter {
        snapshotter: recorder.snapshotter(),
        published: BTreeMap::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(test(meter)))
}

fn exported<B: CacheBackend>(backend: B) -> CacheServiceBuilder<B> {
    CacheService::builder(backend).metrics(MetricsExporter::new("people"))
}

fn ada() -> Person {
    Person {
        id: 1,
        name: "Ada".into(),
    }
}

async fn load<B: CacheBackend>(cache: &CacheService<B>, id: u64, row: Option<Person>) {
    let load = || async { Ok::<_, Error>(row) };
    cache.get_or_load(&id, load).await.unwrap();
}

const FOUND: [&str; 3] = [
    "cache_fills_total prefix=person result=stored",
    "cache_load_duration_seconds prefix=person result=found",
    "cache_loads_total prefix=person result=found",
];

async fn reads(meter: &mut Meter) {
    let cache = exported(InMemoryBackend::new()).build().unwrap();
    meter.assert_read("at first", &["cache_backend_up server=memory"]);
    load(&cache, 1, Some(ada())).await;
    let miss = "cache_requests_total prefix=person tier=memory result=miss";
    meter.assert_read("a miss", &[&FOUND[..], &[miss]].concat());
    load(&cache, 1, None).await;
    meter.assert_read(
        "a hit",
        &["cache_requests_total prefix=person tier=memory result=hit"],
    );
    load(&cache, 2, None).await;
    let absent = [
        "cache_fills_total prefix=person result=stored",
        "cache_load_duration_seconds prefix=person result=absent",
        "cache_loads_total prefix=person result=absent",
        miss,
    ];
    meter.assert_read("a miss of nobody", &absent);
    load(&cache, 2, None).await;
    let absent = "cache_requests_total prefix=person tier=memory result=absent";
    meter.assert_read("an absent hit", &[absent]);
    let (first, second) = tokio::join!(
        cache.get_or_load(&3, || async {
            settle().await;
            Ok::<_, Error>(Some(Person { id: 3, ..ada() }))
        }),
        cache.get_or_load::<Person, Error, _>(&3, || async { unreachable!("it waits") }),
    );
    assert_eq!(first.unwrap(), second.unwrap());
    let coalesced = [
        ("cache_coalesced_total prefix=person", 1.0),
        (miss, 2.0),
        (FOUND[0], 1.0),
        (FOUND[1], 1.0),
        (FOUND[2], 1.0),
    ];
    meter.assert_counted("two callers", &coalesced);
    cache.run_pending_tasks().await.unwrap();
    assert_eq!(cache.stats().entries, Some(3));
    meter.assert_counted("stats", &[("cache_entries", 3.0)]);

    let far = exported(Distant::default()).build().unwrap();
    assert_eq!(far.get::<Person>(&1).await.unwrap(), None);
    let miss = "cache_requests_total prefix=person tier=remote result=miss";
    meter.assert_read("a miss far away", &[miss]);
}

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "stale", ttl = "1s", stale_while_revalidate = "1m", stale_if_error = "1h", key = id)]
struct Stale {
    id: u64,
}

async fn what_is_stale(meter: &mut Meter) {
    let (cache, clock) = clocked_cache();
    let cache = cache
        .to_builder()
        .metrics(MetricsExporter::new("people"))
        .build()
        .unwrap();
    cache.put(Stale { id: 1 }).await.unwrap();
    let up = "cache_backend_up server=memory";
    meter.assert_read("a put", &[up, "cache_puts_total prefix=stale"]);
    clock.advance(Duration::from_secs(2));
    let refreshed = cache.get_or_refresh(&1, || async { Ok::<_, Error>(Some(Stale { id: 1 })) });
    refreshed.await.unwrap();
    cache.run_pending_tasks().await.unwrap();
    let refresh = [
        "cache_requests_total prefix=stale tier=memory result=stale",
        "cache_refreshes_total prefix=stale",
        "cache_fills_total prefix=stale result=stored",
        "cache_load_duration_seconds prefix=stale result=found",
        "cache_loads_total prefix=stale result=found",
    ];
    meter.assert_read("a stale hit", &refresh);
    clock.advance(Duration::from_secs(600));
    let failing = || async { Err::<Option<Stale>, _>(Error::transient("the database is down")) };
    assert!(cache.get_or_load(&1, failing).await.unwrap().is_some());
    let stand_in = [
        "cache_requests_total prefix=stale tier=memory result=miss",
        "cache_stand_ins_total prefix=stale",
        "cache_load_duration_seconds prefix=stale result=failed",
        "cache_loads_total prefix=stale result=failed",
    ];
    meter.assert_read("a failed load", &stand_in);
}

async fn loads_that_come_to_nothing(meter: &mut Meter) {
    let cache = exported(InMemoryBackend::new())
        .hard_timeout(Duration::from_millis(5))
        .build()
        .unwrap();
    meter.read();
    let ended = |result: &str| {
        [
            "cache_requests_total prefix=person tier=memory result=miss".to_owned(),
            format!("cache_load_duration_seconds prefix=person result={result}"),
            format!("cache_loads_total prefix=person result={result}"),
        ]
    };
    let mut assert_ended = |case, result| {
        let wanted = ended(result);
        meter.assert_read(case, &wanted.each_ref().map(String::as_str));
    };
    let mut cancelled = Box::pin(cache.get_or_load::<Person, Error, _>(&1, std::future::pending));
    assert!(futures::poll!(cancelled.as_mut()).is_pending());
    drop(cancelled);
    assert_ended("a caller who goes away", "cancelled");
    let service = cache.clone();
    let panicking = tokio::spawn(async move {
        let load = || async { panic!("a bug") };
        service.get_or_load::<Person, Error, _>(&1, load).await
    });
    assert!(panicking.await.is_err());
    assert_ended("a load that panics", "panicked");
    let late = cache.get_or_load::<Person, Error, _>(&1, std::future::pending);
    assert!(late.await.is_err());
    let wanted = ended("timed_out");
    let wanted = wanted.each_ref().map(String::as_str);
    let failure = ["cache_failures_total prefix=person operation=load"];
    meter.assert_read(
        "a load that takes too long",
        &[&wanted[..], &failure].concat(),
    );
    let overtaken = cache.get_or_load(&1, || async {
        cache.invalidate::<Person>(&1).await.unwrap();
        Ok::<_, Error>(Some(ada()))
    });
    overtaken.await.unwrap();
    let superseded = [
        "cache_requests_total prefix=person tier=memory result=miss",
        "cache_invalidations_total prefix=person source=call",
        "cache_load_duration_seconds prefix=person result=found",
        "cache_loads_total prefix=person result=found",
        "cache_fills_total prefix=person result=superseded",
    ];
    meter.assert_read("a load that is overtaken", &superseded);
}

async fn invalidations(meter: &mut Meter) {
    let cache = exported(InMemoryBackend::new()).build().unwrap();
    meter.read();
    let mut assert_source = |prefix: &str, source: &str| {
        let wanted = format!("cache_invalidations_total prefix={prefix} source={source}");
        meter.assert_read(source, &[&wanted]);
    };
    cache.invalidate::<Person>(&1).await.unwrap();
    assert_source("person", "call");
    let write = || async { Err::<Person, _>(Error::CacheMiss) };
    cache.put_with(&1, write).await.unwrap_err();
    assert_source("person", "put");
    cache.evict_with::<Person, _, _>(&1, || async {}).await;
    assert_source("person", "evict");
    let mut dropped = Box::pin(cache.evict_with::<Person, (), _>(&1, std::future::pending));
    assert!(futures::poll!(dropped.as_mut()).is_pending());
    drop(dropped);
    assert_source("person", "abandoned");
    cache.clear_prefix::<Person>().await.unwrap();
    assert_source("person", "clear");
    cache.clear_namespace().await.unwrap();
    assert_source("", "clear");
    cache.invalidate_tag("team:7").await.unwrap();
    assert_source("", "tag");
    let load = || async { Ok::<_, Error>(Some(ada())) };
    let strategy = CacheStrategy::Invalidate;
    cache.get_or_load_with(strategy, &1, load).await.unwrap();
    let strategy = ["cache_invalidations_total prefix=person source=strategy"];
    meter.assert_read("strategy", &[&FOUND[..], &strategy].concat());
}

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "brief", key = id)]
struct Brief {
    id: u64,
}

async fn evictions(meter: &mut Meter) {
    let backend = InMemoryBackend::builder().capacity(1).build().unwrap();
    let cache = exported(backend).build().unwrap();
    meter.read();
    for id in [1, 2] {
        cache.put(Person { id, ..ada() }).await.unwrap();
    }
    cache.run_pending_tasks().await.unwrap();
    let capacity = [
        ("cache_puts_total prefix=person", 2.0),
        ("cache_evictions_total prefix=person cause=capacity", 1.0),
    ];
    meter.assert_counted("no room", &capacity);
    let empty = InMemoryBackend::new();
    let brief = exported(empty)
        .default_lifetime(Duration::from_millis(1))
        .build()
        .unwrap();
    brief.put(Brief { id: 1 }).await.unwrap();
    let expired = "cache_evictions_total prefix=brief cause=expired";
    let mut seen = meter.read();
    while !seen.contains_key(expired) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        brief.run_pending_tasks().await.unwrap();
        seen.extend(meter.read());
    }
    let wanted = [
        ("cache_backend_up server=memory", 1.0),
        ("cache_puts_total prefix=brief", 1.0),
        (expired, 1.0),
    ];
    let wanted = wanted.map(|(series, count)| (series.to_owned(), count));
    assert_eq!(
        seen,
        wanted.into(),
        "once, by the one service that is there"
    );
}

/// What a store may hold, and the reason that is given for it.
async fn damage(meter: &mut Meter) {
    fn sealed(change: impl Fn(&mut Vec<u8>)) -> impl Fn(&mut Vec<u8>) {
        move |bytes| {
            change(bytes);
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&bytes[..52]);
            hasher.update(&bytes[68..]);
            bytes[52..56].copy_from_slice(&hasher.finalize().to_le_bytes());
        }
    }
    type Change = Box<dyn Fn(&mut Vec<u8>)>;
    let changes: [(&str, Change); 8] = [
        ("magic", Box::new(|bytes| bytes[0] ^= 1)),
        ("version", Box::new(|bytes| bytes[3] += 1)),
        ("length", Box::new(|bytes| bytes.push(0))),
        ("checksum", Box::new(|bytes| bytes[70] ^= 1)),
        ("codec", Box::new(sealed(|bytes| bytes[4] = 200))),
        ("compression", Box::new(sealed(|bytes| bytes[5] |= 2))),
        ("encryption", Box::new(sealed(|bytes| bytes[5] |= 4))),
        ("payload", Box::new(sealed(|bytes| bytes[76] = 255))),
    ];
    let backend = ByteBackend::default();
    let cache = exported(backend.clone()).build().unwrap();
    let key = CacheKey::of::<Person>(None, &1).unwrap();
    for (reason, change) in changes {
        cache.put(ada()).await.unwrap();
        meter.read();
        assert!(backend.tamper(&key, |bytes| change(bytes)));
        let failed = cache.stats().decode_failures;
        assert_eq!(
            cache.get::<Person>(&1).await.unwrap(),
            None,
            "{reason} is a miss"
        );
        assert_eq!(cache.stats().decode_failures, failed + 1);
        let failure = format!("cache_decode_failures_total prefix=person reason={reason}");
        let miss = "cache_requests_total prefix=person tier=memory result=miss";
        meter.assert_read(reason, &[&failure, miss, "cache_entries"]);
    }
}

/// An entity that none of is valid.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wrong {
    id: u64,
}

impl CacheEntity for Wrong {
    type Key = u64;
    fn cache_key(&self) -> u64 {
        self.id
    }
    fn cache_prefix() -> &'static str {
        "wrong"
    }
    fn validate(&self) -> cache_kit::Result<()> {
        Err("it is wrong").map_err(|fault: &str| Error::ValidationError(fault.into()))
    }
}

/// An entity whose prefix is taken.
#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "person", key = id)]
struct Usurper {
    id: u64,
}

async fn failures(meter: &mut Meter) {
    let backend = FaultyBackend::new(ByteBackend::default());
    let cache = exported(backend.clone())
        .flight_deadline(Duration::from_millis(5))
        .build()
        .unwrap();
    meter.read();
    let mut assert_failed = |operation: &str, prefix: &str| {
        let failure = format!("cache_failures_total prefix={prefix} operation={operation}");
        let seen = meter.read();
        assert!(seen.contains_key(&failure), "{operation}: {seen:?}");
    };
    let faults = [
        (Operation::Read, "read"),
        (Operation::Open, "open"),
        (Operation::Fill, "fill"),
    ];
    for (operation, name) in faults {
        backend.inject(&[operation], Fault::Fails);
        load(&cache, 1, Some(ada())).await;
        assert_failed(name, "person");
        backend.heal();
        cache.invalidate::<Person>(&1).await.unwrap();
    }
    backend.inject(&[Operation::Put], Fault::Fails);
    cache.put(ada()).await.unwrap_err();
    assert_failed("put", "person");
    backend.inject(&[Operation::Invalidate], Fault::Fails);
    cache.invalidate::<Person>(&1).await.unwrap_err();
    assert_failed("invalidate", "person");
    backend.heal();
    let loaded = cache.get_or_load(&1, || async { Ok::<_, Error>(Some(Wrong { id: 1 })) });
    assert!(loaded.await.is_err());
    assert_failed("load", "wrong");
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, Error>(Some(ada()))
    };
    let (first, second) = tokio::join!(cache.get_or_load(&1, slow), cache.get_or_load(&1, slow));
    assert!(first.is_ok() && second.is_ok());
    assert_failed("wait", "person");
    let refused = cache.get_or_load(&1, || async { Ok::<_, Error>(Some(Usurper { id: 1 })) });
    assert!(refused.await.is_err());
    assert_failed("declare", "person");
    let policy = TtlPolicy::Custom(Box::new(|_| panic!("a bug")));
    let cache = cache.to_builder().ttl_policy(policy).build().unwrap();
    cache.invalidate::<Person>(&1).await.unwrap();
    load(&cache, 1, Some(ada())).await;
    assert_failed("policy", "person");
}

#[test]
fn the_table_of_metrics_is_true() {
    let meter = metered(|mut meter| async move {
        reads(&mut meter).await;
        what_is_stale(&mut meter).await;
        loads_that_come_to_nothing(&mut meter).await;
        invalidations(&mut meter).await;
        evictions(&mut meter).await;
        damage(&mut meter).await;
        failures(&mut meter).await;
        meter
    });
    let names: BTreeSet<_> = rows().iter().map(|row| row.metric.to_owned()).collect();
    let published: BTreeSet<_> = meter.published.keys().cloned().collect();
    assert_eq!(published, names, "what is published has a row");
    for row in rows() {
        let (kind, labels, values) = &meter.published[row.metric];
        assert_eq!(kind, row.kind, "{}", row.metric);
        let labels: BTreeSet<_> = labels.iter().map(String::as_str).collect();
        assert_eq!(labels, row.labels, "{}", row.metric);
        let has_own = !labels.is_subset(&["cache", "prefix", "server"].into());
        // The duration has the results of the count above it.
        if has_own && row.kind == "counter" {
            let values: BTreeSet<_> = values.iter().map(String::as_str).collect();
            assert_eq!(values, row.values, "{}", row.metric);
        }
    }
}

#[test]
fn the_readme_has_the_table() {
    assert!(include_str!("../../../README.md").contains(TABLE));
}

#[test]
fn what_is_dropped_in_a_namespace_is_told_to_those_who_are_in_it() {
    metered(|mut meter| async move {
        let backend = InMemoryBackend::builder().capacity(1).build().unwrap();
        let one = exported(backend.clone()).namespace("one").build().unwrap();
        let two = exported(backend.clone()).namespace("two").build().unwrap();
        let alike = one.to_builder().build().unwrap();
        let gone = exported(backend).namespace("one").build().unwrap();
        drop(gone);
        for id in [1, 2, 3] {
            one.put(Person { id, ..ada() }).await.unwrap();
        }
        one.run_pending_tasks().await.unwrap();
        let told = [
            ("cache_backend_up server=memory", 1.0),
            ("cache_puts_total prefix=person", 3.0),
            ("cache_evictions_total prefix=person cause=capacity", 2.0),
        ];
        meter.assert_counted("two were evicted", &told);
        let evictions = [&one, &two, &alike].map(|cache| cache.stats().evictions);
        assert_eq!(evictions, [2, 0, 2]);
        meter
    });
}
