//! Slots that are given to another master, with what is in them.

use super::fleet::near_and_far;
use crate::support::{RECOVERY, Service, backend, cluster_config, key_of, recovery, service};
use cache_kit::FailurePolicy::Propagate;
use cache_kit::prelude::*;
use cache_kit_tests::{Cluster, People, Person, RedisServer, SlotMove, Source, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(10);

/// A row that one process writes, version by version, while others read it.
struct Row {
    id: u64,
    people: People,
    /// The newest version that was acknowledged to be invalidated.
    acknowledged: AtomicU64,
    reads: AtomicU64,
    is_over: AtomicBool,
}

impl Row {
    fn new(id: u64) -> Arc<Self> {
        // The cache it holds is not used.
        let people = People::new(CacheService::new(InMemoryBackend::new()));
        people.write_behind(id, "0");
        Arc::new(Self {
            id,
            people,
            acknowledged: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    async fn write_on(self: Arc<Self>, cache: Service) {
        for version in 1.. {
            if self.is_over() {
                return;
            }
            self.people.write_behind(self.id, &version.to_string());
            while cache.invalidate::<Person>(&self.id).await.is_err() {
                tokio::task::yield_now().await;
            }
            self.acknowledged.store(version, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Nobody is given what is older than an invalidation that was acknowledged before they came.
    async fn read_on(self: Arc<Self>, cache: Service) {
        while !self.is_over() {
            let acknowledged = self.acknowledged.load(Ordering::SeqCst);
            let load = || self.people.load(self.id);
            let found = cache.get_or_load::<Person, _, _>(&self.id, load).await;
            let found = found.expect("no error").expect("it is there");
            let version: u64 = found.name.parse().expect("a version");
            assert!(version >= acknowledged, "{version} after {acknowledged}");
            self.reads.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// A cluster of which slots move under load: that of the prefix, that of a row that stays as it is,
/// and that of one that is written.
struct Stage {
    cluster: Cluster,
    strict: Service,
    still: u64,
    row: Arc<Row>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stage {
    async fn set() -> Self {
        let cluster = Cluster::start().await;
        let (near, _) = near_and_far(&cluster, 0..30).await;
        let (still, row) = (near[0], Row::new(near[1]));
        // Everything is asked for at every read, and a machine may be busy.
        let config = || {
            let config = cluster_config(&cluster).clear_lag(Duration::ZERO);
            config.deadline(PATIENCE)
        };
        let (here, elsewhere) = (backend(config()), backend(config()));
        let mut tasks = vec![tokio::spawn(Arc::clone(&row).write_on(service(&elsewhere)))];
        for reader in [&here, &here, &elsewhere] {
            tasks.push(tokio::spawn(Arc::clone(&row).read_on(service(reader))));
        }
        let strict = CacheService::builder(here)
            .failure_policy(Propagate)
            .backend_deadline(PATIENCE)
            .build()
            .unwrap();
        strict.put(Source::row(still)).await.unwrap();
        Self {
            cluster,
            strict,
            still,
            row,
            tasks,
        }
    }

    async fn begin_moves<'a>(&'a self, to: &'a RedisServer) -> Vec<SlotMove<'a>> {
        let (still, written) = (key_of(self.still), key_of(self.row.id));
        let mut moves = Vec::new();
        for tag in [still.prefix(), still.as_str(), written.as_str()] {
            let slot = self.cluster.slot_of(tag).await;
            moves.push(self.cluster.begin_move(slot, to).await);
        }
        moves
    }

    /// Goes on for a while: what stays as it is stays a hit.
    async fn go_on(&self, what: &str) {
        let wanted = self.row.reads.load(Ordering::SeqCst) + 50;
        while self.row.reads.load(Ordering::SeqCst) < wanted {
            let found = self.strict.get::<Person>(&self.still).await;
            let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(found.as_deref(), Some(&Source::row(self.still)), "{what}");
            assert!(
                !self.tasks.iter().any(JoinHandle::is_finished),
                "{what}: somebody has stopped"
            );
        }
    }

    async fn end(self) {
        self.row.is_over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no panic");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_under_load_while_hits_keep_coming_and_nothing_is_stale() {
    let stage = Stage::set().await;
    let from = stage.cluster.master_of(key_of(stage.still).as_str()).await;
    let mut others = stage.cluster.nodes()[..3].iter();
    let to = others.find(|node| node.port() != from.port()).unwrap();
    stage.go_on("before").await;

    // It has just joined, and knows no scripts.
    to.command(&["SCRIPT", "FLUSH"]).await;
    let moves = stage.begin_moves(to).await;
    stage.go_on("on the move").await;
    for slot_move in &moves {
        slot_move.move_keys().await;
    }
    to.command(&["SCRIPT", "FLUSH"]).await;
    stage.go_on("moved").await;
    assert!(from.info("errorstat_ASK").await.starts_with("count="));
    for slot_move in moves {
        slot_move.finish().await;
    }
    let id = stage.row.id;
    stage.go_on("done").await;
    assert!(recovery("moved", &stage.strict, id).await < RECOVERY);
    until("nobody is sent on any more", || async {
        from.command(&["CONFIG", "RESETSTAT"]).await;
        stage.go_on("known").await;
        let errors: String = from.query(&["INFO", "errorstats"]).await;
        (!errors.contains("errorstat_MOVED")).then_some(())
    })
    .await;
    stage.end().await;
}
