//! One of several processes that share a cache and a database: reads, writes, and says what it was
//! given that is too old. It ends when its input does, which is when the test ends, however that
//! comes; or when somebody kills it.
//!
//! `worker CACHE DATABASE SEED MANNER`

use cache_kit::prelude::*;
use cache_kit::{Error, Found, RedisBackend, RedisConfig};
use cache_kit_tests::{Dice, Ledger, Row};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// So many callers each process has at once.
const CALLERS: u64 = 8;

/// So many rows there are, and so many of them get a third of everything.
const ROWS: u64 = 200;
const HOT_ROWS: u64 = 5;

/// How misses are loaded.
#[derive(Clone, Copy)]
enum Manner {
    /// By `get_or_load`.
    Sound,
    /// As with a store that can only get and set: what was loaded is put, whatever has come in
    /// between.
    Aside,
}

#[derive(Clone)]
struct Caller {
    cache: CacheService<RedisBackend>,
    ledger: Ledger,
    dice: Dice,
    manner: Manner,
    is_over: Arc<AtomicBool>,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, cache, database, seed, manner] = arguments.as_slice() else {
        panic!("worker CACHE DATABASE SEED MANNER");
    };
    let mut caller = Caller {
        cache: cache_at(cache),
        ledger: Ledger::connect(database).await,
        dice: Dice::new(seed.parse().expect("a number")),
        manner: match manner.as_str() {
            "sound" => Manner::Sound,
            "aside" => Manner::Aside,
            _ => panic!("`{manner}` is no manner"),
        },
        is_over: Arc::default(),
    };
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let dice = Dice::new(caller.dice.any());
            let caller = caller.clone();
            tokio::spawn(Caller { dice, ..caller }.call())
        })
        .collect();
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
    caller.is_over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.expect("no panic");
    }
}

/// Waits longer than any machine is busy; and not long for a process that was killed while it
/// loaded.
fn cache_at(url: &str) -> CacheService<RedisBackend> {
    let config: RedisConfig = url.parse().expect("a URL");
    let config = config
        .deadline(Duration::from_secs(30))
        .connect_deadline(Duration::from_secs(30))
        .lease(Duration::from_millis(200));
    CacheService::new(RedisBackend::new(config).expect("a config that works"))
}

impl Caller {
    async fn call(mut self) {
        while !self.is_over.load(Ordering::SeqCst) {
            match self.dice.below(1000) {
                0..700 => self.read(1).await,
                700..850 => self.read(10).await,
                850..910 => self.update(1).await,
                910..970 => self.replace().await,
                970..998 => self.update(5).await,
                _ => self.update_and_clear().await,
            }
        }
    }

    /// Reads rows in one of the ways there are, and checks what it was given.
    async fn read(&mut self, count: u64) {
        let ids = self.some(count);
        let (floors, ()) = tokio::join!(
            self.ledger.floors(&ids),
            self.ledger.count("reads", ids.len() as u64)
        );
        let (loads, found) = match (self.manner, ids.as_slice()) {
            (Manner::Aside, ids) => self.read_aside(ids).await,
            (Manner::Sound, [id]) if self.dice.below(4) == 0 => (0, vec![self.look_up(*id).await]),
            (Manner::Sound, [id]) => self.load(*id).await,
            (Manner::Sound, ids) => self.load_many(ids).await,
        };
        assert_eq!(found.len(), ids.len());
        for ((id, floor), found) in ids.iter().zip(floors).zip(&found) {
            if let Some(fault) = self.ledger.fault(*id, floor, found).await {
                self.ledger.accuse(&fault).await;
            }
        }
        let known = found.iter().filter(|found| !matches!(found, Found::Miss));
        let unloaded = known.count().saturating_sub(loads);
        self.ledger.count("unloaded", unloaded as u64).await;
    }

    async fn look_up(&self, id: u64) -> Found<Row> {
        self.cache.look_up(&id).await.expect("the cache runs")
    }

    async fn load(&mut self, id: u64) -> (usize, Vec<Found<Row>>) {
        let (pause, ledger, mut loads) = (self.pause(), &self.ledger, 0);
        let load = || {
            loads += 1;
            async move {
                let row = ledger.row(id).await;
                tokio::time::sleep(pause).await;
                Ok::<_, Error>(row)
            }
        };
        let found = self.cache.get_or_load(&id, load).await;
        (loads, vec![known(found.expect("the cache runs"))])
    }

    async fn load_many(&mut self, ids: &[u64]) -> (usize, Vec<Found<Row>>) {
        let (pause, ledger, mut loads) = (self.pause(), &self.ledger, 0);
        let load = |ids: Vec<u64>| {
            loads += ids.len();
            async move {
                let rows = ledger.rows(&ids).await;
                tokio::time::sleep(pause).await;
                Ok::<_, Error>(rows)
            }
        };
        let found = self.cache.get_or_load_many(ids, load).await;
        let found = found.expect("the cache runs").into_iter().map(known);
        (loads, found.collect())
    }

    async fn read_aside(&mut self, ids: &[u64]) -> (usize, Vec<Found<Row>>) {
        let mut found = Vec::new();
        for id in ids {
            found.push(self.look_up(*id).await);
            let (Some(Found::Miss), Some(row)) = (found.last(), self.ledger.row(*id).await) else {
                continue;
            };
            tokio::time::sleep(self.pause()).await;
            self.cache.put(row).await.expect("the cache runs");
        }
        (0, found)
    }

    /// Writes rows and invalidates them.
    async fn update(&mut self, count: u64) {
        let ids = self.some(count);
        let versions = self.ledger.write(&ids).await;
        tokio::time::sleep(self.pause()).await;
        let told = match ids.as_slice() {
            [id] => self.cache.invalidate::<Row>(id).await,
            ids => self.cache.invalidate_many::<Row>(ids).await,
        };
        self.acknowledge(told, &ids, &versions).await;
    }

    /// Writes a row and puts it.
    async fn replace(&mut self) {
        let (id, pause, mut version) = (self.some(1)[0], self.pause(), 0);
        let saved = self.save(id, pause, &mut version).await;
        self.acknowledge(saved, &[id], &[version]).await;
    }

    #[cache_put(on_unreachable = propagate, skip(pause, version))]
    async fn save(
        &self,
        id: u64,
        pause: Duration,
        version: &mut u64,
    ) -> cache_kit::Result<Option<Row>> {
        *version = self.ledger.write(&[id]).await[0];
        tokio::time::sleep(pause).await;
        Ok(Row::of(id, *version))
    }

    /// Writes rows and clears their prefix.
    async fn update_and_clear(&mut self) {
        let ids = self.some(5);
        let versions = self.ledger.write(&ids).await;
        tokio::time::sleep(self.pause()).await;
        let told = self.cache.clear_prefix::<Row>().await;
        self.acknowledge(told, &ids, &versions).await;
    }

    /// A cache that could not be told has promised nothing.
    async fn acknowledge<T>(&self, told: cache_kit::Result<T>, ids: &[u64], versions: &[u64]) {
        if told.is_err() {
            return self.ledger.count("errors", 1).await;
        }
        self.ledger.acknowledge(ids, versions).await;
        self.ledger.count("writes", ids.len() as u64).await;
    }

    /// Draws different rows.
    fn some(&mut self, count: u64) -> Vec<u64> {
        let mut ids = BTreeSet::new();
        while (ids.len() as u64) < count {
            let limit = match self.dice.below(3) {
                0 => HOT_ROWS,
                _ => ROWS,
            };
            ids.insert(self.dice.below(limit));
        }
        ids.into_iter().collect()
    }

    /// Draws how long something takes; often no time at all.
    fn pause(&mut self) -> Duration {
        let longest = match self.dice.below(8) {
            0 => 20_000,
            1 | 2 => 3_000,
            _ => return Duration::ZERO,
        };
        Duration::from_micros(self.dice.below(longest))
    }
}

fn known(row: Option<Arc<Row>>) -> Found<Row> {
    row.map_or(Found::Absent, Found::Hit)
}
