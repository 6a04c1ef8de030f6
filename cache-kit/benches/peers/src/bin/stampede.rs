//! 10,000 tasks on one key at once, beside other crates:
//! `cargo run --release --manifest-path cache-kit/benches/peers/Cargo.toml --bin stampede`.
//!
//! The key is cold, stale, or one that the repository does not have. Each contender runs in a
//! process of its own, in turn, so that the memory it takes is its own. Printed are the number of
//! loads at most, the median of the wall time from the first spawn to the last answer, and of the
//! resident memory at its peak over that before.

use cache_kit::prelude::*;
use std::error::Error;
use std::future::Future;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How many tasks ask at once.
const TASKS: usize = 10_000;
/// How long a load takes.
const LOAD: Duration = Duration::from_millis(20);
/// How often each contender runs.
const ROUNDS: usize = 9;
/// The key that the repository does not have.
const ABSENT: u64 = 404;

/// How often the repository was asked. A process has one contender.
static LOADS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "small", ttl = "1h", negative_ttl = "1m", key = id)]
struct Small {
    id: u64,
    name: String,
}

/// The same, kept when its time is over.
#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "brief", ttl = "200ms", stale_while_revalidate = "1h", key = id)]
struct Brief {
    id: u64,
    name: String,
}

async fn load(id: u64) -> Option<Small> {
    LOADS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(LOAD).await;
    let name = "a name".to_owned();
    (id != ABSENT).then_some(Small { id, name })
}

async fn load_brief(id: u64) -> Option<Brief> {
    load(id).await.map(|Small { id, name }| Brief { id, name })
}

#[derive(Clone)]
struct Repository {
    cache: CacheService<InMemoryBackend>,
}

impl Repository {
    fn new() -> Self {
        let cache = CacheService::new(InMemoryBackend::new());
        Self { cache }
    }

    #[cached]
    async fn find(&self, id: u64) -> Option<Arc<Small>> {
        load(id).await.map(Arc::new)
    }

    #[cached(refresh = background)]
    async fn find_in_background(&self, id: u64) -> Option<Arc<Brief>> {
        load_brief(id).await.map(Arc::new)
    }

    #[cached]
    async fn find_inline(&self, id: u64) -> Option<Arc<Brief>> {
        load_brief(id).await.map(Arc::new)
    }
}

#[cached::macros::cached(max_size = 100, cache_none = true, sync_writes = "by_key")]
async fn find_cached(id: u64) -> Option<Arc<Small>> {
    load(id).await.map(Arc::new)
}

#[cached::macros::cached(max_size = 100, cache_none = true)]
async fn find_cached_default(id: u64) -> Option<Arc<Small>> {
    load(id).await.map(Arc::new)
}

/// What the tasks find is this.
fn id_of(small: Option<&Small>) -> u64 {
    small.map_or(ABSENT, |small| small.id)
}

/// Has all tasks ask; returns the time it took.
async fn stampede<F>(id: u64, ask: impl Fn(u64) -> F) -> Duration
where
    F: Future<Output = u64> + Send + 'static,
{
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(ask(id))).collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), id);
    }
    start.elapsed()
}

/// The same for what is stored and has ended: the first value was loaded before.
async fn stale_stampede<F>(ask: impl Fn(u64) -> F) -> Duration
where
    F: Future<Output = u64> + Send + 'static,
{
    ask(7).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    LOADS.store(0, Ordering::Relaxed);
    stampede(7, ask).await
}

/// One run of one contender.
async fn run(scenario: &str, contender: &str) -> Result<Duration, Box<dyn Error>> {
    let repository = Repository::new();
    let id = if scenario == "absent" { ABSENT } else { 7 };
    Ok(match (scenario, contender) {
        ("stale", "`#[cached(refresh = background)]`") => {
            stale_stampede(|id| {
                let repository = repository.clone();
                async move {
                    let found = repository.find_in_background(id).await;
                    found.map_or(0, |brief| brief.id)
                }
            })
            .await
        }
        ("stale", "`#[cached]`, the first caller loads") => {
            stale_stampede(|id| {
                let repository = repository.clone();
                async move {
                    let found = repository.find_inline(id).await;
                    found.map_or(0, |brief| brief.id)
                }
            })
            .await
        }
        (_, "tokio `OnceCell`, the floor") => {
            let cell = Arc::new(OnceCell::new());
            stampede(id, |id| {
                let cell = Arc::clone(&cell);
                async move { id_of(cell.get_or_init(|| load(id)).await.as_ref()) }
            })
            .await
        }
        (_, "moka `get_with`") => {
            let cache = moka::future::Cache::new(100);
            stampede(id, |id| {
                let cache = cache.clone();
                async move {
                    let load = async { load(id).await.map(Arc::new) };
                    id_of(cache.get_with(id, load).await.as_deref())
                }
            })
            .await
        }
        (_, "foyer `get_or_fetch`") => {
            let cache = foyer::CacheBuilder::new(100).build();
            stampede(id, |id| {
                let cache: foyer::Cache<u64, Option<Arc<Small>>> = cache.clone();
                async move {
                    let fetch =
                        || async move { Ok::<_, std::io::Error>(load(id).await.map(Arc::new)) };
                    let entry = cache.get_or_fetch(&id, fetch).await;
                    id_of(entry.expect("it loads").value().as_deref())
                }
            })
            .await
        }
        (_, "cached, `sync_writes = \"by_key\"`") => {
            stampede(
                id,
                |id| async move { id_of(find_cached(id).await.as_deref()) },
            )
            .await
        }
        (_, "cached") => {
            let ask = |id| async move { id_of(find_cached_default(id).await.as_deref()) };
            stampede(id, ask).await
        }
        (_, "`#[cached]`") => {
            stampede(id, |id| {
                let repository = repository.clone();
                async move { id_of(repository.find(id).await.as_deref()) }
            })
            .await
        }
        (_, "`get_or_load`") => {
            stampede(id, |id| {
                let cache = repository.cache.clone();
                async move {
                    let load = || async { Ok::<_, cache_kit::Error>(load(id).await) };
                    let found = cache.get_or_load::<Small, _, _>(&id, load).await;
                    id_of(found.expect("it loads").as_deref())
                }
            })
            .await
        }
        other => return Err(format!("no contender {other:?}").into()),
    })
}

const CONTENDERS: [&str; 7] = [
    "tokio `OnceCell`, the floor",
    "`#[cached]`",
    "`get_or_load`",
    "moka `get_with`",
    "foyer `get_or_fetch`",
    "cached, `sync_writes = \"by_key\"`",
    "cached",
];

const STALE: [&str; 2] = [
    "`#[cached(refresh = background)]`",
    "`#[cached]`, the first caller loads",
];

/// Kibibytes of a line of `/proc/self/status`; 0 where there is no such file.
fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line));
    value
        .and_then(|value| value.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// What a child does: one run, told in three numbers: loads, microseconds, kibibytes.
fn child(scenario: &str, contender: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()?;
    let (took, idle) = runtime.block_on(async {
        // All threads are up, and the timer has ticked.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let idle = status("VmRSS");
        let took = run(scenario, contender).await?;
        // A refresh by a task is still to be counted.
        tokio::time::sleep(2 * LOAD).await;
        Ok::<_, Box<dyn Error>>((took, idle))
    })?;
    let loads = LOADS.load(Ordering::Relaxed);
    let peak = status("VmHWM").saturating_sub(idle);
    println!("{loads} {} {peak}", took.as_micros());
    Ok(())
}

/// Runs a contender in a process of its own.
fn measure(scenario: &str, contender: &str) -> Result<[u64; 3], Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--child", scenario, contender])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || -> Result<u64, Box<dyn Error>> {
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(numbers.next().ok_or_else(said)??)
    };
    Ok([next()?, next()?, next()?])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs a scenario for all who take part, interleaved, and prints a row for each.
fn print(scenario: &str, contenders: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut runs = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, runs) in contenders.iter().zip(&mut runs) {
            runs.push(measure(scenario, contender)?);
        }
    }
    for (contender, own) in contenders.iter().zip(&runs) {
        let loads = own.iter().map(|run| run[0]).max().unwrap_or(0);
        let wall = median(own.iter().map(|run| run[1] as f64 / 1e3).collect());
        let memory = median(own.iter().map(|run| run[2] as f64 / 1024.0).collect());
        println!("| {scenario} | {contender} | {loads} | {wall:.0} | {memory:.1} |");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [flag, scenario, contender] = arguments.as_slice() {
        if flag == "--child" {
            return child(scenario, contender);
        }
    }
    println!("| key | 10,000 tasks | loads | wall ms | MiB over idle |");
    println!("| --- | --- | --: | --: | --: |");
    print("cold", &CONTENDERS)?;
    print("absent", &CONTENDERS)?;
    print("stale", &STALE)
}
