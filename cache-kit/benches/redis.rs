//! `RedisBackend` beside raw redis-rs:
//! `taskset -c 0 cargo bench -p cache-kit --bench redis --features redis`.
//!
//! Starts a `redis-server` of its own and ends it. Pin both to one CPU as above (the server
//! inherits it): unpinned latencies are bimodal. All rows of a table take turns, round after round,
//! and their ratios are the medians of what ran side by side.
#![allow(missing_docs, reason = "a bench")]

mod shared;

use bincode::config::{Fixint, LittleEndian};
use cache_kit::prelude::*;
use cache_kit::{RedisBackend, RedisConfig, store::Shape};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use shared::{Employment, KEYS, draws, median, person_id};
use std::hint::black_box;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TASKS: usize = 64;
const BATCH: usize = 100;
/// So long an entry's header is.
const HEADER: usize = 68;
/// Ids from here on are not cached: each miss takes the next.
const COLD: u64 = 1_000_000;

fn names(id: &str) -> [String; 3] {
    let schema = Shape::of::<Employment>().fingerprint();
    [
        "ck:g:{employment}:all".to_owned(),
        format!("ck:g:{{employment:{id}}}"),
        format!("ck:v:{{employment:{id}}}:{schema:016x}"),
    ]
}

/// Ends the server when the bench ends, also by a panic.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("this bench needs `redis-server` on the PATH");
        Self { process, port }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..100 {
            if let Ok(connection) = client.get_multiplexed_async_connection().await {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Stage {
    raw: MultiplexedConnection,
    cache: CacheService<RedisBackend>,
    ids: Vec<String>,
    raw_keys: Vec<String>,
    /// For each id what a hit reads: the guard of the prefix, that of the key, and the value.
    names: Vec<[String; 3]>,
    cold: AtomicU64,
}

impl Stage {
    async fn set(server: &Server) -> Arc<Self> {
        let mut raw = server.connection().await;
        let config = RedisConfig::from_url(&server.url()).expect("a URL");
        let cache = CacheService::new(RedisBackend::new(config).expect("a backend"));
        let ids: Vec<_> = (0..KEYS as u64).map(person_id).collect();
        let raw_keys: Vec<_> = ids.iter().map(|id| format!("raw:{id}")).collect();
        for (id, key) in (0..).zip(&raw_keys) {
            let entity = Employment::new(id);
            let bytes = bincode::serde::encode_to_vec(&entity, bincode_config());
            let () = raw.set(key, bytes.expect("bytes")).await.expect("stored");
            cache.put(Arc::new(entity)).await.expect("stored");
        }
        let names = ids.iter().map(|id| names(id)).collect();
        Arc::new(Self {
            names,
            raw,
            cache,
            ids,
            raw_keys,
            cold: AtomicU64::new(COLD),
        })
    }

    /// Fails if it is asked: a miss is not to go unnoticed.
    #[cached]
    async fn employment(&self, person_id: &str) -> Result<Employment, cache_kit::Error> {
        panic!("{person_id} is not cached")
    }

    async fn bytes(&self, at: usize) -> Vec<u8> {
        let mut raw = self.raw.clone();
        raw.get(&self.raw_keys[at]).await.expect("bytes")
    }

    fn cold_id(&self) -> String {
        person_id(self.cold.fetch_add(1, Ordering::Relaxed))
    }

    fn batch<'a, T>(&self, keys: &'a [T], at: usize) -> &'a [T] {
        let start = at.min(KEYS - BATCH);
        &keys[start..start + BATCH]
    }
}

/// As entries are stored.
fn bincode_config() -> bincode::config::Configuration<LittleEndian, Fixint> {
    bincode::config::standard().with_fixed_int_encoding()
}

fn decode(bytes: &[u8]) -> Employment {
    let decoded = bincode::serde::decode_from_slice(bytes, bincode_config());
    decoded.expect("an entity").0
}

/// Decodes what is stored for an entity, and checks nothing.
fn decode_entry(bytes: &[u8]) -> Employment {
    decode(&bytes[HEADER..])
}

/// What a row does for each draw.
#[derive(Clone, Copy)]
enum Ask {
    Get,
    GetDecode,
    GetNames,
    Cached,
    GetOrLoad,
    ServiceGet,
    Mget,
    MgetNames,
    Pipeline,
    GetMany,
    Miss,
    Del,
    Invalidate,
}

async fn ask(stage: &Stage, ask: Ask, at: usize) {
    match ask {
        Ask::Get => drop(black_box(stage.bytes(at).await)),
        Ask::GetDecode => drop(black_box(decode(&stage.bytes(at).await))),
        Ask::GetNames => {
            let values: Vec<Vec<u8>> = stage
                .raw
                .clone()
                .mget(&stage.names[at])
                .await
                .expect("bytes");
            drop(black_box(decode_entry(&values[2])));
        }
        Ask::Cached => drop(black_box(stage.employment(&stage.ids[at]).await)),
        Ask::GetOrLoad => {
            let load = || async { Err::<Option<Employment>, _>(cache_kit::Error::CacheMiss) };
            let found = stage
                .cache
                .get_or_load::<Employment, _, _>(&stage.ids[at], load);
            black_box(found.await.expect("a hit"));
        }
        Ask::ServiceGet => {
            let found = stage.cache.get::<Employment>(&stage.ids[at]).await;
            black_box(found.expect("an answer").expect("a hit"));
        }
        Ask::Mget | Ask::MgetNames | Ask::Pipeline | Ask::GetMany => ask_many(stage, ask, at).await,
        Ask::Miss => {
            let entity = Employment::new(stage.cold.fetch_add(1, Ordering::Relaxed));
            let id = entity.person_id.clone();
            let load = || async { Ok::<_, cache_kit::Error>(Some(entity)) };
            let loaded = stage.cache.get_or_load::<Employment, _, _>(&id, load);
            black_box(loaded.await.expect("loaded"));
        }
        Ask::Del => {
            let () = stage.raw.clone().del(stage.cold_id()).await.expect("gone");
        }
        Ask::Invalidate => {
            let id = stage.cold_id();
            let gone = stage.cache.invalidate::<Employment>(&id);
            gone.await.expect("gone");
        }
    }
}

async fn ask_many(stage: &Stage, ask: Ask, at: usize) {
    let keys = stage.batch(&stage.raw_keys, at);
    let mut raw = stage.raw.clone();
    let bytes: Vec<Vec<u8>> = match ask {
        Ask::Mget => raw.mget(keys).await.expect("bytes"),
        Ask::MgetNames => {
            let names = stage
                .batch(&stage.names, at)
                .iter()
                .flat_map(|names| &names[1..]);
            let names: Vec<_> = names.collect();
            let values: Vec<Vec<u8>> = raw.mget(names).await.expect("bytes");
            let values = values.chunks_exact(2).map(|pair| decode_entry(&pair[1]));
            return drop(black_box(values.collect::<Vec<_>>()));
        }
        Ask::Pipeline => {
            let mut pipeline = redis::pipe();
            for key in keys {
                pipeline.get(key);
            }
            pipeline.query_async(&mut raw).await.expect("bytes")
        }
        _ => {
            let ids = stage.batch(&stage.ids, at);
            let found = stage.cache.get_many::<Employment>(ids).await;
            let values: Vec<Employment> = found
                .into_iter()
                .map(|found| Arc::unwrap_or_clone(found.expect("an answer").expect("a hit")))
                .collect();
            return drop(black_box(values));
        }
    };
    drop(black_box(
        bytes.iter().map(|bytes| decode(bytes)).collect::<Vec<_>>(),
    ));
}

struct Table {
    name: &'static str,
    tasks: usize,
    /// How many draws a row takes in its turn.
    turn: usize,
    rounds: usize,
    /// Each with the ratio to the first that it is to reach.
    rows: &'static [(&'static str, Ask, Option<f64>)],
}

const ONE_KEY: &[(&str, Ask, Option<f64>)] = &[
    ("raw GET", Ask::Get, None),
    ("raw GET + decode", Ask::GetDecode, None),
    (
        "raw MGET of both guards and the value + decode",
        Ask::GetNames,
        None,
    ),
    ("`#[cached]` → `T`", Ask::Cached, Some(1.08)),
    ("`get_or_load` → `Arc<T>`", Ask::GetOrLoad, Some(1.08)),
    ("`get` → `Arc<T>`", Ask::ServiceGet, Some(1.08)),
];

const MANY_TASKS: &[(&str, Ask, Option<f64>)] = &[
    ("raw GET", Ask::Get, None),
    ("raw GET + decode", Ask::GetDecode, None),
    (
        "raw MGET of both guards and the value + decode",
        Ask::GetNames,
        None,
    ),
    ("`#[cached]` → `T`", Ask::Cached, Some(1.5)),
    ("`get_or_load` → `Arc<T>`", Ask::GetOrLoad, Some(1.5)),
    ("`get` → `Arc<T>`", Ask::ServiceGet, Some(1.5)),
];

const MANY_KEYS: &[(&str, Ask, Option<f64>)] = &[
    ("raw MGET of 100 + decode", Ask::Mget, None),
    (
        "raw MGET of 100 guards and values + decode",
        Ask::MgetNames,
        None,
    ),
    ("raw pipeline of 100 GETs + decode", Ask::Pipeline, None),
    ("`get_many` of 100 → `Vec<T>`", Ask::GetMany, Some(1.4)),
];

const MISSES: &[(&str, Ask, Option<f64>)] = &[
    ("raw GET", Ask::Get, None),
    ("a miss whose load takes no time", Ask::Miss, None),
    ("raw DEL of an absent key", Ask::Del, None),
    ("`invalidate` of an absent key", Ask::Invalidate, None),
];

/// Runs one turn; returns microseconds for each draw.
async fn time(stage: &Arc<Stage>, what: Ask, tasks: usize, draws: &[usize]) -> f64 {
    let start = Instant::now();
    let shares = draws.chunks(draws.len().div_ceil(tasks)).map(|share| {
        let (stage, share) = (Arc::clone(stage), share.to_vec());
        tokio::spawn(async move {
            for at in share {
                ask(&stage, what, at).await;
            }
        })
    });
    for task in shares.collect::<Vec<_>>() {
        task.await.expect("every read is answered");
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let each = start.elapsed().as_nanos() as f64 / 1000.0 / draws.len() as f64;
    each
}

async fn measure(stage: &Arc<Stage>, table: &Table, draws: &[usize]) {
    let mut times = vec![Vec::new(); table.rows.len()];
    for turn in draws
        .chunks_exact(table.turn)
        .cycle()
        .take(table.rounds + 1)
    {
        for ((_, what, _), times) in table.rows.iter().zip(&mut times) {
            times.push(time(stage, *what, table.tasks, turn).await);
        }
    }
    println!(
        "\n| {} | µs | ÷ first | target |\n| --- | --: | --: | --: |",
        table.name
    );
    for ((name, _, target), row) in table.rows.iter().zip(&times) {
        // The first round warms up.
        let ratios = row.iter().zip(&times[0]).skip(1);
        println!(
            "| {name} | {:.1} | {:.2} | {} |",
            median(row.iter().skip(1).copied()),
            median(ratios.map(|(time, floor)| time / floor)),
            target.map_or_else(String::new, |target| format!("≤ {target:.2}")),
        );
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` is no place for seconds of wall time.
    if std::env::args().all(|argument| argument != "--bench") {
        return;
    }
    let server = Server::start();
    let stage = Stage::set(&server).await;
    let (zipf, uniform) = (draws(0.99), draws(0.0));
    let table = |name, tasks, turn, rounds, rows| Table {
        name,
        tasks,
        turn,
        rounds,
        rows,
    };
    let alone = table("sequential, zipf 0.99", 1, 250, 40, ONE_KEY);
    measure(&stage, &alone, &zipf).await;
    let skewed = table("64 tasks, zipf 0.99", TASKS, 64 * 50, 20, MANY_TASKS);
    measure(&stage, &skewed, &zipf).await;
    let even = table("64 tasks, uniform", TASKS, 64 * 50, 20, MANY_TASKS);
    measure(&stage, &even, &uniform).await;
    measure(&stage, &table("100 keys", 1, 20, 40, MANY_KEYS), &uniform).await;
    measure(&stage, &table("no hit", 1, 250, 20, MISSES), &uniform).await;
}
