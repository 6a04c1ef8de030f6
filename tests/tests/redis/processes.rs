//! Several processes share a server, and none of them is ever given anything older than what was
//! acknowledged before it asked.

use crate::fixtures::{Store, at, cache, config};
use cache_kit::{Bincode, Codec, Found};
use cache_kit_tests::{Dice, Ledger, Proxy, RedisServer, Row, Traffic, until};
use std::hash::{BuildHasher, RandomState};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};

/// So many processes there are at once.
const WORKERS: usize = 4;

/// How far away the server is from half of them.
const DISTANCE: Duration = Duration::from_millis(4);

/// So many rows are read in each run, in all.
const READS: u64 = 50_000;

/// A server to cache in, a database, and the processes that use both.
struct Crew {
    workers: Vec<Child>, // first, to end before what they use does
    store: Store,
    /// In front of the store, for half of them.
    distance: Proxy,
    database: RedisServer,
    ledger: Ledger,
    dice: Dice,
    manner: &'static str,
}

impl Crew {
    /// Starts them. What they draw is the same for the same seed; how they come across each other
    /// is not.
    async fn start(manner: &'static str) -> Self {
        let seed = std::env::var("CACHE_KIT_SEED").ok();
        let seed = seed.map_or_else(
            || RandomState::new().hash_one(()),
            |seed| seed.parse().expect("a number"),
        );
        eprintln!("CACHE_KIT_SEED={seed}");
        let database = RedisServer::start().await;
        let store = Store::start().await;
        let distance = Proxy::start(store.server.addr()).await;
        distance.set(Traffic::Delayed(DISTANCE)).await;
        let mut crew = Self {
            store,
            distance,
            ledger: Ledger::connect(&database.url()).await,
            database,
            dice: Dice::new(seed),
            manner,
            workers: Vec::new(),
        };
        for index in 0..WORKERS {
            crew.hire(index);
        }
        crew
    }

    fn hire(&mut self, index: usize) {
        let cache = match index % 2 {
            0 => self.store.server.url(),
            _ => format!("redis://{}", self.distance.addr()),
        };
        let worker = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args([cache, self.database.url()])
            .args([self.dice.any().to_string(), self.manner.to_owned()])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        self.workers.insert(index, worker.expect("it was built"));
    }

    /// Waits until so many rows have been read; `false` if a fault was found.
    async fn reach(&self, reads: u64) -> bool {
        until("rows have been read", || async {
            if !self.ledger.faults().await.is_empty() {
                return Some(false);
            }
            let is_reached = self.ledger.counted("reads").await >= reads;
            is_reached.then_some(true)
        })
        .await
    }

    /// Does one of the things that may happen at any time.
    async fn disturb(&mut self) {
        match self.dice.below(5) {
            0 => self.replace_one().await,
            1 => drop(self.store.run(&["SCRIPT", "FLUSH"]).await),
            2 => self.distance.cut(),
            3 => {
                let scopes = ["ck:g:{row}:all", "ck:g:{:}:all"];
                let scope = scopes[usize::from(self.dice.below(2) == 0)];
                drop(self.store.run(&["UNLINK", scope]).await);
            }
            _ => self.evict().await,
        }
    }

    /// Kills a worker as `kill -9` does, and starts another.
    async fn replace_one(&mut self) {
        let index = self.pick(WORKERS);
        let mut worker = self.workers.remove(index);
        let ended = worker.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "a worker ended by itself: {ended:?}");
        worker.kill().await.expect("a child of ours");
        self.hire(index);
    }

    /// Takes guards, values and leases away, as a server does whose memory is full.
    async fn evict(&mut self) {
        let names = self.store.names("ck:*").await;
        for _ in 0..names.len().min(20) {
            let name = &names[self.pick(names.len())];
            self.store.run(&["UNLINK", name]).await;
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        let limit = u64::try_from(count).expect("a small number");
        usize::try_from(self.dice.below(limit)).expect("a smaller one")
    }

    /// Lets all workers finish, and says what was wrong.
    async fn finish(&mut self) -> Vec<String> {
        for mut worker in self.workers.drain(..) {
            drop(worker.stdin.take());
            let ended = worker.wait().await.expect("a child of ours");
            assert!(ended.success(), "a worker panicked: {ended}");
        }
        let mut faults = self.ledger.faults().await;
        faults.extend(stored_faults(&self.store, &self.ledger).await);
        faults
    }

    /// Nothing was wrong, and it was the cache that served.
    async fn assert_unharmed(&mut self) {
        let faults = self.finish().await;
        assert!(faults.is_empty(), "{faults:#?}");
        let mut counts = [0; 4];
        let names = ["reads", "unloaded", "writes", "errors"];
        for (count, what) in counts.iter_mut().zip(names) {
            *count = self.ledger.counted(what).await;
        }
        let [reads, unloaded, writes, errors] = counts;
        eprintln!(
            "{reads} reads, {unloaded} of them without a load; {writes} writes, {errors} errors"
        );
        assert!(unloaded > reads / 10, "the cache was of no use");
        assert!(errors <= writes / 3, "the cache could seldom be told");
    }
}

/// Each is waited for by itself: who knows how busy the machine is.
fn milestones() -> impl Iterator<Item = u64> {
    (0..=READS).step_by(500)
}

/// Says which entries a reader would take, and must not.
async fn stored_faults(store: &Store, ledger: &Ledger) -> Vec<String> {
    let (entries, mut faults) = (valid_entries(store).await, Vec::new());
    eprintln!("{} entries", entries.len());
    for (id, found) in entries {
        let floor = ledger.floors(&[id]).await[0];
        faults.extend(ledger.fault(id, floor, &found).await);
    }
    faults
}

/// Reads the entries whose stamps are the guards, past the cache's own way to read.
async fn valid_entries(store: &Store) -> Vec<(u64, Found<Row>)> {
    let mut entries = Vec::new();
    for value in store.names("ck:v:{row:*").await {
        let id = value.strip_prefix("ck:v:{row:").expect("as asked for");
        let (id, _) = id.split_once('}').expect("the end of a key");
        let names = [
            &format!("ck:g:{{row:{id}}}"),
            "ck:g:{row}:all",
            "ck:g:{:}:all",
            value.as_str(),
        ];
        let (guard, prefix, namespace, bytes): (Option<u64>, Option<u64>, Option<u64>, Vec<u8>) =
            store.ask(redis::cmd("MGET").arg(&names)).await;
        // As two guards make one stamp.
        let both = prefix.zip(namespace);
        let prefix =
            both.map(|(prefix, namespace)| (prefix ^ namespace.rotate_left(32)) & (u64::MAX >> 1));
        let stamp = |place| {
            bytes[place..]
                .first_chunk()
                .copied()
                .map(u64::from_le_bytes)
        };
        if guard.is_none() || prefix.is_none() {
            continue;
        }
        if (guard, prefix) == (stamp(at::STAMP), stamp(at::STAMP + 8)) {
            entries.push((id.parse().expect("a number"), content(&bytes)));
        }
    }
    entries
}

fn content(entry: &[u8]) -> Found<Row> {
    match entry[at::FLAGS] {
        0 => Found::Hit(Arc::new(
            Bincode::decode(&entry[at::PAYLOAD..]).expect("a row"),
        )),
        flags => {
            assert_eq!(flags, 1, "nothing here is compressed or encrypted");
            Found::Absent
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_is_given_what_is_older_than_what_was_acknowledged() {
    let mut crew = Crew::start("sound").await;
    for reads in milestones() {
        if !crew.reach(reads).await {
            break;
        }
    }
    crew.assert_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_is_given_what_is_older_while_others_are_killed_and_redis_forgets() {
    let mut crew = Crew::start("sound").await;
    for reads in milestones() {
        if !crew.reach(reads).await {
            break;
        }
        crew.disturb().await;
    }
    crew.assert_unharmed().await;
}

/// These checks can fail: this is what a cache does that only gets and sets.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_put_what_they_loaded_whatever_came_in_between_are_caught() {
    let mut crew = Crew::start("aside").await;
    crew.reach(u64::MAX).await;
    let faults = crew.finish().await;
    assert!(!faults.is_empty());
}

#[tokio::test]
async fn an_entry_that_is_too_old_is_found_where_it_lies() {
    let store = Store::start().await;
    let cache = cache(config(&store.server));
    let database = RedisServer::start().await;
    let ledger = Ledger::connect(&database.url()).await;
    for id in [1, 2, 3] {
        let versions = ledger.write(&[id]).await;
        let row = ledger.row(id).await.expect("it was written");
        cache.put(row).await.expect("the cache runs");
        ledger.acknowledge(&[id], &versions).await;
    }
    assert!(stored_faults(&store, &ledger).await.is_empty());
    // The cache knows of the second version of one row, and not of that of another.
    cache.invalidate::<Row>(&2).await.expect("the cache runs");
    let versions = ledger.write(&[2, 3]).await;
    ledger.acknowledge(&[2, 3], &versions).await;
    let faults = stored_faults(&store, &ledger).await;
    assert!(
        matches!(faults.as_slice(), [fault] if fault.starts_with("row 3 ")),
        "{faults:?}"
    );
}
