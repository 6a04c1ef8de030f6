//! 10,000 tasks on one cold key: `cargo bench -p cache-kit --bench stampede`.
//!
//! Each contender runs in a process of its own, in turn, so that the memory it takes is its own. Printed are the number of
//! loads, the median of the wall time from the first spawn to the last answer, and of the resident memory at its peak over that before.
#![allow(missing_docs, reason = "a bench")]

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

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "small", ttl = "1h", key = id)]
struct Small {
    id: u64,
    name: String,
}

/// What the tasks ask, and how often it was asked.
#[derive(Default)]
struct Source {
    loads: AtomicU64,
}

impl Source {
    async fn load(&self, id: u64) -> Small {
        self.loads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LOAD).await;
        Small {
            id,
            name: "a name".to_owned(),
        }
    }
}

struct Repository {
    cache: CacheService<InMemoryBackend>,
    source: Arc<Source>,
}

impl Repository {
    #[cached(strategy = Refresh)]
    async fn find(&self, id: u64) -> Option<Arc<Small>> {
        Some(Arc::new(self.source.load(id).await))
    }
}

/// Has all tasks ask; returns the time it took.
async fn stampede<F>(ask: impl Fn() -> F) -> Duration
where
    F: Future<Output = u64> + Send + 'static,
{
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(ask())).collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), 7);
    }
    start.elapsed()
}

/// One run of one contender.
async fn run(contender: &str, source: Arc<Source>) -> Result<Duration, Box<dyn Error>> {
    let asked = Arc::clone(&source);
    Ok(match contender {
        "tokio `OnceCell`, the floor" => {
            let cell = Arc::new(OnceCell::new());
            stampede(|| {
                let (cell, source) = (Arc::clone(&cell), Arc::clone(&asked));
                async move { cell.get_or_init(|| source.load(7)).await.id }
            })
            .await
        }
        "moka `get_with`" => {
            let cache = moka::future::Cache::new(100);
            stampede(|| {
                let (cache, source) = (cache.clone(), Arc::clone(&asked));
                async move {
                    let load = async { Arc::new(source.load(7).await) };
                    cache.get_with(7_u64, load).await.id
                }
            })
            .await
        }
        "`#[cached]`" => {
            let cache = CacheService::new(InMemoryBackend::new());
            let repository = Arc::new(Repository { cache, source });
            stampede(|| {
                let repository = Arc::clone(&repository);
                async move { repository.find(7).await.map_or(0, |small| small.id) }
            })
            .await
        }
        "`get_or_load`" => {
            let cache = CacheService::new(InMemoryBackend::new());
            stampede(|| {
                let (cache, source) = (cache.clone(), Arc::clone(&asked));
                async move {
                    let load = || async { Ok::<_, cache_kit::Error>(Some(source.load(7).await)) };
                    let found = cache.get_or_load::<Small, _, _>(&7, load).await;
                    found.expect("loaded").map_or(0, |small| small.id)
                }
            })
            .await
        }
        other => return Err(format!("no contender {other}").into()),
    })
}

const CONTENDERS: [&str; 4] = [
    "tokio `OnceCell`, the floor",
    "moka `get_with`",
    "`#[cached]`",
    "`get_or_load`",
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
fn child(contender: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()?;
    let source = Arc::new(Source::default());
    let (took, idle) = runtime.block_on(async {
        // All threads are up, and the timer has ticked.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let idle = status("VmRSS");
        let run = run(contender, Arc::clone(&source));
        run.await.map(|took| (took, idle))
    })?;
    let loads = source.loads.load(Ordering::Relaxed);
    let peak = status("VmHWM").saturating_sub(idle);
    println!("{loads} {} {peak}", took.as_micros());
    Ok(())
}

/// Runs a contender in a process of its own.
fn measure(contender: &str) -> Result<[u64; 3], Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--child", contender])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || -> Result<u64, Box<dyn Error>> {
        Ok(numbers
            .next()
            .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())??)
    };
    Ok([next()?, next()?, next()?])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, contender] if flag == "--child" => return child(contender),
        // `cargo test --benches` only sees that it runs.
        _ if arguments.iter().all(|argument| argument != "--bench") => return Ok(()),
        _ => {}
    }
    let mut runs = vec![Vec::new(); CONTENDERS.len()];
    for _ in 0..ROUNDS {
        for (contender, runs) in CONTENDERS.iter().zip(&mut runs) {
            runs.push(measure(contender)?);
        }
    }
    println!("| 10,000 tasks, one cold key | loads | wall ms | ÷ floor | MiB over idle |");
    println!("| --- | --: | --: | --: | --: |");
    for (contender, own) in CONTENDERS.iter().zip(&runs) {
        let loads = own.iter().map(|run| run[0]).max().unwrap_or(0);
        let wall = median(own.iter().map(|run| run[1] as f64 / 1e3).collect());
        let pairs = own.iter().zip(&runs[0]);
        let ratio = median(
            pairs
                .map(|(run, floor)| run[1] as f64 / floor[1] as f64)
                .collect(),
        );
        let memory = median(own.iter().map(|run| run[2] as f64 / 1024.0).collect());
        println!("| {contender} | {loads} | {wall:.0} | {ratio:.2} | {memory:.1} |");
    }
    Ok(())
}
