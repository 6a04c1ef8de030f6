//! What a byte store makes of an entity, beside its codec alone:
//! `cargo bench -p cache-kit --features testing --bench encode`.
//!
//! An entry is a header, a checksum and a payload. The floor is bincode into a buffer that is used
//! again, and one copy of exactly what was written. Criterion reports each row by itself; the
//! ratios are taken afterwards, in rounds that run all rows in turn, for on a shared machine only
//! what ran side by side compares. They are printed and written to `target/encode-ratios.md`;
//! `-- --ratios` takes only these.
#![allow(missing_docs, reason = "a bench")]

mod shared;

use bincode::config::{Config, legacy, standard};
use cache_kit::prelude::*;
use cache_kit::testing::{ByteBackend, encode_entry};
use cache_kit::{
    Bincode, CacheKey, Codec,
    store::{Entry, Shape},
};
use criterion::Criterion;
use shared::{Employment, median, target};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many entities are encoded in turn.
const ENTITIES: u64 = 64;
/// How often a row encodes them all in its turn.
const TURN: usize = 64;
/// How often the rows take their turns.
const ROUNDS: usize = 400;

/// One way to make bytes of an entity.
struct Row {
    name: &'static str,
    encode: Box<dyn Fn(usize)>,
    bytes: usize,
}

fn row(name: &'static str, encode: impl Fn(usize) -> Vec<u8> + 'static) -> Row {
    Row {
        name,
        bytes: encode(0).len(),
        encode: Box::new(move |turns| {
            for turn in 0..turns {
                black_box(encode(turn));
            }
        }),
    }
}

/// bincode alone: into a buffer that is used again, then one exact copy, of which more may be done.
fn alone(
    entities: &'static [Arc<Employment>],
    config: impl Config + 'static,
    then: impl Fn(&mut Vec<u8>) + 'static,
) -> impl Fn(usize) -> Vec<u8> {
    let buffer = RefCell::new(vec![0; 1 << 12]);
    move |turn| {
        let mut buffer = buffer.borrow_mut();
        let entity = &*entities[turn % entities.len()];
        let written = bincode::serde::encode_into_slice(entity, &mut buffer, config);
        let mut bytes = buffer[..written.expect("it fits")].to_vec();
        then(&mut bytes);
        bytes
    }
}

/// The rows; the first is what the others are compared with.
fn rows() -> Vec<Row> {
    let entities: Vec<_> = (0..ENTITIES)
        .map(|id| Arc::new(Employment::new(id)))
        .collect();
    let entities: &'static [Arc<Employment>] = entities.leak();
    let (store, shape) = (ByteBackend::default(), Shape::of::<Employment>());
    let entries: Vec<(CacheKey, Entry)> = entities
        .iter()
        .map(|entity| {
            let key = CacheKey::of::<Employment>(None, &entity.cache_key());
            let value = Arc::clone(entity);
            (key.expect("a valid key"), Entry::Value(value))
        })
        .collect();
    vec![
        row(
            "bincode `encode_into_slice`, one copy",
            alone(entities, legacy(), |_| {}),
        ),
        row(
            "the same and a CRC-32",
            alone(entities, legacy(), |bytes| {
                let checksum = crc32fast::hash(bytes);
                bytes[..4].copy_from_slice(&checksum.to_le_bytes());
            }),
        ),
        row(
            "bincode with varint integers, one copy",
            alone(entities, standard(), |_| {}),
        ),
        row("the codec `Bincode` into a new `Vec`", move |turn| {
            let mut bytes = Vec::new();
            Bincode::encode(&*entities[turn % entities.len()], &mut bytes).expect("encoded");
            bytes
        }),
        row("an entry of a byte store", move |turn| {
            let (key, entry) = &entries[turn % entries.len()];
            encode_entry(&store, key, entry, shape).expect("sealed")
        }),
    ]
}

fn measure_each(criterion: &mut Criterion, rows: &[Row]) {
    let mut group = criterion.benchmark_group("encode");
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(1));
    group.sample_size(30);
    for row in rows {
        group.bench_function(row.name, |bencher| {
            bencher.iter_custom(|turns| {
                let start = Instant::now();
                (row.encode)(usize::try_from(turns).expect("a count"));
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// How long a row takes for an entity, in nanoseconds. Another turn before it fetches back what the
/// other rows have evicted from the processor's caches.
fn time(row: &Row) -> f64 {
    let turns = TURN * usize::try_from(ENTITIES).expect("a count");
    (row.encode)(turns / 8);
    let start = Instant::now();
    (row.encode)(turns);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = start.elapsed().as_nanos() as f64 / turns as f64;
    each
}

/// Runs all rows in turn, round after round, and compares each with the first, round by round: what
/// slows a round slows both.
fn ratios(rows: &[Row]) -> String {
    let rounds: Vec<Vec<f64>> = (0..ROUNDS)
        .map(|_| rows.iter().map(time).collect())
        .collect();
    let mut report =
        String::from("| encode | bytes | ns | ÷ bincode alone |\n| --- | --: | --: | --: |\n");
    for (at, row) in rows.iter().enumerate() {
        let _ = writeln!(
            report,
            "| {} | {} | {:.0} | {:.2} |",
            row.name,
            row.bytes,
            median(rounds.iter().map(|round| round[at])),
            median(rounds.iter().map(|round| round[at] / round[0])),
        );
    }
    report
}

fn main() {
    let rows = rows();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().all(|argument| argument != "--ratios") {
        let mut criterion = Criterion::default().configure_from_args();
        measure_each(&mut criterion, &rows);
        criterion.final_summary();
    }
    // `cargo test --benches` only sees that everything runs; a filter asks for rows.
    if arguments.iter().any(|argument| argument == "--bench")
        && arguments
            .iter()
            .all(|argument| ["--bench", "--ratios"].contains(&argument.as_str()))
    {
        let report = ratios(&rows);
        let file = target().join("encode-ratios.md");
        println!("\n{report}");
        match std::fs::write(&file, report) {
            Ok(()) => println!("written to {}", file.display()),
            Err(error) => eprintln!("not written to {}: {error}", file.display()),
        }
    }
}
