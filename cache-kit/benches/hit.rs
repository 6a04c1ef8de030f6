//! The hit path beside raw moka: `cargo bench -p cache-kit`.
//!
//! Criterion reports each row by itself. The ratios are taken afterwards, in rounds that run all
//! rows in turn, for on a shared machine only what ran side by side compares; they are printed and
//! written to `target/hit-ratios.md`. `-- <filter>` picks rows of criterion and then leaves the
//! ratios out; `-- --ratios` takes only these.
//!
//! Keys are drawn by zipf 0.99 from 10,000, all of them cached. A hit is ready at the first poll,
//! so no runtime is involved and none is measured.
#![allow(missing_docs, reason = "a bench")]

mod shared;

use cache_kit::prelude::*;
use criterion::Criterion;
use shared::{Employment, KEYS, draws, median, target};
use std::fmt::{Debug, Write as _};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The stores hold all of them, and are full enough for their admission policy to be at work.
const CAPACITY: u64 = 12_000;
/// How many look-ups a row does in its turn: few enough to be seldom interrupted, enough to find
/// its caches warm again.
const TURN: usize = 1 << 13;
/// How often the rows take their turns.
const ROUNDS: usize = 200;
/// The row that has a target: at most 1.10 of moka sync `get`.
const CACHED: &str = "`#[cached]` → `Arc<T>`";

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "small", ttl = "1h", key = id)]
struct Small {
    id: u64,
    name: String,
}

impl Small {
    fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("name {id:011}"),
        }
    }
}

/// Why a load fails here: there are to be none.
#[derive(Debug)]
struct NotCached;

/// The repositories. Their bodies fail, so that a miss does not go unnoticed.
struct People {
    cache: CacheService<InMemoryBackend>,
}

type Found<T> = Result<Option<T>, NotCached>;

impl People {
    #[cached(strategy = Refresh)]
    async fn employment(&self, person_id: &str) -> Found<Arc<Employment>> {
        Err(NotCached)
    }

    #[cached(strategy = Refresh)]
    async fn employment_by_value(&self, person_id: &str) -> Found<Employment> {
        Err(NotCached)
    }

    #[cached(strategy = Refresh)]
    async fn small(&self, id: u64) -> Found<Arc<Small>> {
        Err(NotCached)
    }

    #[cached(strategy = Refresh)]
    async fn small_by_value(&self, id: u64) -> Found<Small> {
        Err(NotCached)
    }
}

/// Does as many look-ups as it is given draws.
type Run = Box<dyn Fn(&[usize]) + Sync>;

/// One row.
struct Row {
    name: &'static str,
    run: Run,
}

/// The rows of one key type; the first is what the others are compared with.
struct Table {
    key: &'static str,
    rows: Vec<Row>,
}

fn row<R>(name: &'static str, look_up: impl Fn(usize) -> R + Sync + 'static) -> Row {
    Row {
        name,
        run: Box::new(move |draws| {
            for &draw in draws {
                black_box(look_up(draw));
            }
        }),
    }
}

/// Polls once: a hit does not wait.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hit waited"),
    }
}

fn hit<T, E: Debug>(found: Result<Option<T>, E>) -> T {
    found.expect("a hit").expect("an entity")
}

struct InAnHour;

impl<K, V> moka::Expiry<K, V> for InAnHour {
    fn expire_after_create(&self, _: &K, _: &V, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(3600))
    }
}

/// Fills one store of each kind and lists the ways to ask them. `to_arc` and `to_value` are the
/// annotated methods.
fn table<T: CacheEntity>(
    key: &'static str,
    entity: fn(u64) -> T,
    to_arc: impl Fn(&People, &T::Key) -> Arc<T> + Sync + 'static,
    to_value: impl Fn(&People, &T::Key) -> T + Sync + 'static,
) -> Table {
    // Neighbours in rank are not neighbours in memory.
    let ids = (0..KEYS as u64).map(|rank| rank * 7919 % KEYS as u64);
    let entities: Vec<_> = ids.map(|id| Arc::new(entity(id))).collect();
    let keys: &'static [T::Key] = entities
        .iter()
        .map(|entity| entity.cache_key())
        .collect::<Vec<_>>()
        .leak();

    let plain = moka::sync::Cache::new(CAPACITY);
    let builder = moka::sync::Cache::builder().max_capacity(CAPACITY);
    let expiring = builder.expire_after(InAnHour).build();
    let future = moka::future::Cache::new(CAPACITY);
    let backend = InMemoryBackend::builder().capacity(CAPACITY).build();
    let cache = CacheService::new(backend.expect("a valid capacity"));
    for (key, entity) in keys.iter().zip(&entities) {
        plain.insert(key.clone(), Arc::clone(entity));
        expiring.insert(key.clone(), Arc::clone(entity));
        ready(future.insert(key.clone(), Arc::clone(entity)));
        ready(cache.put(Arc::clone(entity))).expect("stored");
    }
    plain.run_pending_tasks();
    expiring.run_pending_tasks();
    ready(future.run_pending_tasks());
    assert_eq!(cache.stats().entries, Some(KEYS as u64));

    let people: &'static People = Box::leak(Box::new(People { cache }));
    let cache = &people.cache;
    let rows = vec![
        row("moka sync `get`", move |i| {
            plain.get(&keys[i]).expect("a hit")
        }),
        row("moka sync `get`, with an `Expiry`", move |i| {
            expiring.get(&keys[i]).expect("a hit")
        }),
        row("moka future `get`", move |i| {
            ready(future.get(&keys[i])).expect("a hit")
        }),
        row(CACHED, move |i| to_arc(people, &keys[i])),
        row("`get_or_load` → `Arc<T>`", move |i| {
            let load = || async { Err(NotCached) };
            hit(ready(cache.get_or_load::<T, _, _>(&keys[i], load)))
        }),
        row("`get` → `Arc<T>`", move |i| {
            hit(ready(cache.get::<T>(&keys[i])))
        }),
        row("`#[cached]` → `T`", move |i| to_value(people, &keys[i])),
        row("the clone alone", move |i| T::clone(&entities[i])),
    ];
    Table { key, rows }
}

fn measure_each(criterion: &mut Criterion, tables: &[Table], draws: &[usize]) {
    for table in tables {
        let mut group = criterion.benchmark_group(format!("hit, {} key", table.key));
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_secs(1));
        group.sample_size(30);
        for row in &table.rows {
            group.bench_function(row.name, |bencher| {
                bencher.iter_custom(|looks| {
                    let mut left = usize::try_from(looks).expect("a count");
                    let start = Instant::now();
                    while left > 0 {
                        let batch = left.min(draws.len());
                        (row.run)(&draws[..batch]);
                        left -= batch;
                    }
                    start.elapsed()
                });
            });
        }
        group.finish();
    }
}

/// How long a row's turn takes, in nanoseconds for each draw. Another turn before it fetches back
/// what the other rows have evicted from the processor's caches.
fn time(row: &Row, (warm, draws): (&[usize], &[usize]), run: fn(&Row, &[usize])) -> f64 {
    run(row, warm);
    let start = Instant::now();
    run(row, draws);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = start.elapsed().as_nanos() as f64 / draws.len() as f64;
    each
}

/// The same by two threads; per draw of both, so that perfect scaling halves it.
fn run_on_two_threads(row: &Row, draws: &[usize]) {
    let (left, right) = draws.split_at(draws.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| (row.run)(left));
        (row.run)(right);
    });
}

/// Runs all rows in turn, round after round; returns each row's times.
fn take_turns(table: &Table, draws: &[usize], run: fn(&Row, &[usize])) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(ROUNDS); table.rows.len()];
    let turns = draws.chunks_exact(TURN).cycle();
    for turn in turns.clone().zip(turns.skip(1)).take(ROUNDS) {
        for (row, times) in table.rows.iter().zip(&mut times) {
            times.push(time(row, turn, run));
        }
    }
    times
}

/// The median of a row's ratios to another row, round by round: what slows a round slows both.
fn ratio(times: &[f64], floor: &[f64]) -> f64 {
    median(times.iter().zip(floor).map(|(time, floor)| time / floor))
}

fn ratios(tables: &[Table], draws: &[usize]) -> String {
    let mut report = String::from(
        "| hit | key | ns | ÷ moka sync `get` | 2 threads, Mops/s | ÷ moka |\n| --- | --- | --: | --: | --: | --: |\n",
    );
    for table in tables {
        let alone = take_turns(table, draws, |row, draws| (row.run)(draws));
        let paired = take_turns(table, draws, run_on_two_threads);
        for (row, (alone_row, paired_row)) in table.rows.iter().zip(alone.iter().zip(&paired)) {
            let _ = writeln!(
                report,
                "| {} | {} | {:.0} | {:.2} | {:.1} | {:.2} |",
                row.name,
                table.key,
                median(alone_row.iter().copied()),
                ratio(alone_row, &alone[0]),
                1000.0 / median(paired_row.iter().copied()),
                1.0 / ratio(paired_row, &paired[0]),
            );
        }
    }
    report
}

fn main() {
    let tables = [
        table(
            "`String`",
            Employment::new,
            |people, id| hit(ready(people.employment(id))),
            |people, id| hit(ready(people.employment_by_value(id))),
        ),
        table(
            "`u64`",
            Small::new,
            |people, id| hit(ready(people.small(*id))),
            |people, id| hit(ready(people.small_by_value(*id))),
        ),
    ];
    let draws = draws(0.99);

    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().all(|argument| argument != "--ratios") {
        let mut criterion = Criterion::default().configure_from_args();
        measure_each(&mut criterion, &tables, &draws);
        criterion.final_summary();
    }
    // `cargo test --benches` only sees that everything runs; a filter asks for rows.
    if arguments.iter().any(|argument| argument == "--bench")
        && arguments
            .iter()
            .all(|argument| ["--bench", "--ratios"].contains(&argument.as_str()))
    {
        let report = ratios(&tables, &draws);
        let file = target().join("hit-ratios.md");
        println!("\n{report}");
        match std::fs::write(&file, report) {
            Ok(()) => println!("written to {}", file.display()),
            Err(error) => eprintln!("not written to {}: {error}", file.display()),
        }
    }
}
