//! Outages under load, with a check of all that anybody is given.

use crate::support::{BOUND, Service, backend, config, service};
use cache_kit::{Error, RedisBackend};
use cache_kit_tests::{Dice, Person, Proxy, RedisServer, Traffic, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const ROWS: u64 = 12;

/// How long each state of the network lasts.
const A_WHILE: Duration = Duration::from_millis(250);

/// A row, and how new it must be to whom.
#[derive(Default)]
struct Row {
    version: AtomicU64,
    /// To the process that wrote, from when its call returned, whatever it said.
    here: AtomicU64,
    /// To all, from when Redis had been told.
    everywhere: AtomicU64,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    is_over: AtomicBool,
    reads: AtomicU64,
    hits: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

/// Whose floors a reader is held to.
#[derive(Clone, Copy)]
enum Side {
    Here,
    Elsewhere,
}

impl Table {
    fn new() -> Self {
        Self {
            rows: (0..ROWS).map(|_| Row::default()).collect(),
            ..Self::default()
        }
    }

    fn row(&self, id: u64) -> &Row {
        &self.rows[usize::try_from(id).expect("a small number")]
    }

    fn floor(&self, id: u64, side: Side) -> u64 {
        match side {
            Side::Here => self.row(id).here.load(SeqCst),
            Side::Elsewhere => self.row(id).everywhere.load(SeqCst),
        }
    }

    /// Each writer has rows of its own, so that their versions rise.
    async fn write_on(self: Arc<Self>, cache: Service, id: u64) {
        let row = self.row(id);
        for version in 1.. {
            if self.is_over.load(SeqCst) {
                return;
            }
            row.version.store(version, SeqCst);
            let told = cache.invalidate::<Person>(&id).await;
            row.here.store(version, SeqCst);
            if told.is_ok() {
                row.everywhere.store(version, SeqCst);
                self.acknowledged.fetch_add(1, SeqCst);
            } else {
                self.refused.fetch_add(1, SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(3 + id)).await;
        }
    }

    async fn read_on(self: Arc<Self>, cache: Service, side: Side, mut dice: Dice) {
        while !self.is_over.load(SeqCst) {
            let id = dice.below(ROWS);
            let (floor, begun, mut is_hit) = (self.floor(id, side), Instant::now(), true);
            let pause = Duration::from_micros(dice.below(3000));
            let load = || {
                is_hit = false;
                async {
                    let name = self.row(id).version.load(SeqCst).to_string();
                    tokio::time::sleep(pause).await;
                    Ok::<_, Error>(Some(Person { id, name }))
                }
            };
            let found = cache.get_or_load(&id, load).await;
            let found = found.expect("no error").expect("it is there");
            let version: u64 = found.name.parse().expect("a version");
            assert!(version >= floor, "{id}: {version}, but {floor} was told");
            assert!(begun.elapsed() < BOUND, "it took {:?}", begun.elapsed());
            self.reads.fetch_add(1, SeqCst);
            self.hits.fetch_add(u64::from(is_hit), SeqCst);
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    /// Waits until Redis has been told of everything that was owed when this was called: then it
    /// holds for all.
    async fn settle(&self, backend: &RedisBackend) {
        let told: Vec<_> = (0..ROWS).map(|id| self.floor(id, Side::Here)).collect();
        until("Redis has been told", || async {
            (backend.pending_invalidations() == 0).then_some(())
        })
        .await;
        for (row, told) in self.rows.iter().zip(told) {
            row.everywhere.fetch_max(told, SeqCst);
        }
    }

    /// Waits until there have been so many hits more.
    async fn go_on(&self, more: u64) {
        let wanted = self.hits.load(SeqCst) + more;
        until("the cache serves", || async {
            (self.hits.load(SeqCst) >= wanted).then_some(())
        })
        .await;
    }
}

/// What goes wrong in turn.
async fn disturb(table: &Table, server: &RedisServer, proxy: &Proxy, backend: &RedisBackend) {
    let bad = [
        Traffic::Refused,
        Traffic::Swallowed,
        Traffic::Stalled,
        Traffic::Truncated(2000),
    ];
    for traffic in bad {
        proxy.set(traffic).await;
        tokio::time::sleep(A_WHILE).await;
        proxy.set(Traffic::Passes).await;
        table.settle(backend).await;
        table.go_on(50).await;
    }
    for _ in 0..10 {
        proxy.cut();
        table.go_on(5).await;
    }
    server.kill();
    tokio::time::sleep(A_WHILE).await;
    server.restart().await;
    table.settle(backend).await;
    server.freeze();
    tokio::time::sleep(A_WHILE).await;
    server.thaw();
    table.settle(backend).await;
    table.go_on(50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_given_what_is_older_than_they_were_told_whatever_happens_to_redis() {
    let server = RedisServer::start().await;
    let proxy = Proxy::start(server.addr()).await;
    let (here, elsewhere) = (
        backend(config(proxy.addr())),
        backend(config(server.addr())),
    );
    let table = Arc::new(Table::new());
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    for id in 0..ROWS {
        tasks.push(tokio::spawn(
            Arc::clone(&table).write_on(service(&here), id),
        ));
    }
    for seed in 0..6 {
        let (backend, side) = match seed % 3 {
            0 => (&elsewhere, Side::Elsewhere),
            _ => (&here, Side::Here),
        };
        let reading = Arc::clone(&table).read_on(service(backend), side, Dice::new(seed));
        tasks.push(tokio::spawn(reading));
    }
    for _ in 0..2 {
        disturb(&table, &server, &proxy, &here).await;
    }
    table.is_over.store(true, SeqCst);
    for task in tasks {
        task.await.expect("what everyone was given is new enough");
    }
    let [reads, hits, acknowledged, refused] = [
        &table.reads,
        &table.hits,
        &table.acknowledged,
        &table.refused,
    ]
    .map(|count| count.load(SeqCst));
    eprintln!(
        "{reads} reads, {hits} of them hits; {acknowledged} invalidations acknowledged, {refused} not"
    );
    assert!(refused > 20 && acknowledged > 200 && hits > 500);
}
