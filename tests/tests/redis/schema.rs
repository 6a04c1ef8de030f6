//! Versions of one entity side by side in one Redis, as a fleet has them while a deployment rolls:
//! each reads its own, and an invalidation from any of them reaches all.

mod fleet;
mod wraps;

use crate::fixtures::Store;
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{counts, until};
use fleet::{Database, IDS, Process, Version, WAYS, Way, patient};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// An entity as versions of a program have it: the same prefix, key and name, and other fields.
/// Their values differ, so that no version can take another's bytes for its own unseen.
macro_rules! versions {
    (|$id:ident, $edition:ident| $($module:ident [$($option:tt)*] {
        $($field:ident: $type:ty = $value:expr),*
    } $states:tt)*) => {$(
        mod $module {
            use super::*;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
            #[cache(prefix = "user", ttl = "1h", key = id $($option)*)]
            pub(super) struct User {
                $($field: $type),*
            }

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            enum State $states

            impl Version for User {
                fn row($id: u64, $edition: u16) -> Self {
                    Self { $($field: $value),* }
                }
            }
        }
    )*};
}

versions! { |id, edition|
    base [] { id: u64 = id, seats: u16 = edition, doors: u16 = 100, state: State = State::Left } { New, Left }
    added [] { id: u64 = id, seats: u16 = edition, doors: u16 = 200, state: State = State::New, age: u8 = 7 } { New, Left }
    renamed [] { id: u64 = id, places: u16 = edition, doors: u16 = 300, state: State = State::Left } { New, Left }
    reordered [] { id: u64 = id, doors: u16 = 400, seats: u16 = edition, state: State = State::Left } { New, Left }
    retyped [] { id: u64 = id, seats: u16 = edition, doors: i16 = -500, state: State = State::Left } { New, Left }
    first_variant [] { id: u64 = id, seats: u16 = edition, doors: u16 = 600, state: State = State::New } { Invited, New, Left }
    last_variant [] { id: u64 = id, seats: u16 = edition, doors: u16 = 700, state: State = State::New } { New, Left, Expelled }
    repacked [, codec = MessagePack] { id: u64 = id, seats: u16 = edition, doors: u16 = 100, state: State = State::Left } { New, Left }
    bumped [, version = 2] { id: u64 = id, seats: u16 = edition, doors: u16 = 800, state: State = State::Left } { New, Left }
}

/// Does the same with every changed version.
macro_rules! with_each_change {
    ($assert:ident) => {
        let store = Store::start().await;
        $assert::<added::User>(&store).await;
        $assert::<renamed::User>(&store).await;
        $assert::<reordered::User>(&store).await;
        $assert::<retyped::User>(&store).await;
        $assert::<first_variant::User>(&store).await;
        $assert::<last_variant::User>(&store).await;
        $assert::<bumped::User>(&store).await;
    };
}

/// A process of the old version and one of the new, and nothing stored.
async fn both<V: Version>(store: &Store) -> (Process<base::User>, Process<V>) {
    store.run(&["FLUSHALL"]).await;
    let database = Database::default();
    let old = Process::start(patient(store), &database);
    (old, Process::start(patient(store), &database))
}

async fn assert_each_reads_its_own<V: Version>(store: &Store) {
    let (old, new) = both::<V>(store).await;
    old.know(1).await;
    assert!(new.find(1).await, "another version's is a miss");
    new.know(1).await;
    assert!(!old.find(1).await, "what was stored first is still there");
    assert!(!new.find(1).await);
    assert_eq!(store.names("ck:v:{user:1}:*").await.len(), 2);
    old.assert_unharmed();
    new.assert_unharmed();
}

#[tokio::test]
async fn each_version_reads_only_its_own() {
    with_each_change!(assert_each_reads_its_own);
}

async fn assert_reaches_both<A: Version, B: Version>(writer: &Process<A>, other: &Process<B>) {
    for way in WAYS {
        for id in [1, 2] {
            writer.know(id).await;
            other.know(id).await;
        }
        writer.write(1, way).await;
        assert!(other.find(1).await, "{way:?} reaches another version");
        assert_eq!(writer.find(1).await, way != Way::Put, "{way:?}");
        for is_loaded in [other.find(2).await, writer.find(2).await] {
            assert_eq!(is_loaded, way == Way::Clear, "{way:?} and another row");
        }
    }
    writer.assert_unharmed();
    other.assert_unharmed();
}

async fn assert_writes_reach_both<V: Version>(store: &Store) {
    let (old, new) = both::<V>(store).await;
    assert_reaches_both(&old, &new).await;
    assert_reaches_both(&new, &old).await;
}

#[tokio::test]
async fn a_write_of_either_version_reaches_both() {
    with_each_change!(assert_writes_reach_both);
}

/// Writes by one version, in every way, while the other loads what was there before.
async fn assert_overtakes<A: Version, B: Version>(writer: &Process<A>, other: &Process<B>) {
    for way in WAYS {
        let before = counts(&other.cache).superseded_fills;
        writer.write(1, Way::Invalidate).await;
        let load = async || {
            let seen = B::row(1, 0);
            writer.write(1, way).await;
            Ok::<_, Error>(Some(seen))
        };
        other.cache.get_or_load(&1, load).await.expect("no error");
        until("a fill that came too late", || async {
            (counts(&other.cache).superseded_fills > before).then_some(())
        })
        .await;
        assert!(other.find(1).await, "{way:?} overtakes another's load");
    }
}

async fn assert_writes_overtake<V: Version>(store: &Store) {
    let (old, new) = both::<V>(store).await;
    assert_overtakes(&old, &new).await;
    assert_overtakes(&new, &old).await;
}

#[tokio::test]
async fn a_write_of_either_version_keeps_a_load_of_the_other_from_being_stored() {
    with_each_change!(assert_writes_overtake);
}

/// A process at work: it reads, and now and then it writes.
struct Worker {
    is_over: Arc<AtomicBool>,
    finds: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Worker {
    fn start<V: Version>(store: &Store, database: &Database) -> Self {
        let process = Process::<V>::start(patient(store), database);
        let (is_over, finds) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let task = tokio::spawn(work(process, Arc::clone(&is_over), Arc::clone(&finds)));
        Self {
            is_over,
            finds,
            task,
        }
    }

    /// Waits until it has found some more.
    async fn go_on(&self) {
        let wanted = self.finds.load(Ordering::SeqCst) + 100;
        until("a worker has come further", || async {
            let is_further = self.finds.load(Ordering::SeqCst) >= wanted;
            (is_further || self.task.is_finished()).then_some(())
        })
        .await;
    }

    async fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.task.await.expect("no panic");
    }
}

async fn work<V: Version>(process: Process<V>, is_over: Arc<AtomicBool>, finds: Arc<AtomicU64>) {
    for (turn, id) in (1..).zip(IDS.cycle()) {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        process.find(id).await;
        finds.fetch_add(1, Ordering::SeqCst);
        if turn % 25 == 0 {
            let way = WAYS[turn / 25 % WAYS.len()];
            process.write(id, way).await;
        }
    }
    let counts = counts(&process.cache);
    assert!(counts.hits > 0, "{counts:?}");
    process.assert_unharmed();
}

/// Old processes give way to new ones, and come back, one at a time and under load: nobody ever
/// finds what is older than was acknowledged, or another version's.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_rolls_forth_and_back() {
    let (store, database) = (Store::start().await, Database::default());
    let old = || Worker::start::<base::User>(&store, &database);
    let new = || Worker::start::<reordered::User>(&store, &database);
    let mut fleet = vec![old(), old(), old()];
    for turn in 0..9 {
        for worker in &fleet {
            worker.go_on().await;
        }
        let is_back = (3..6).contains(&turn);
        fleet.push(if is_back { old() } else { new() });
        fleet.remove(0).stop().await;
    }
    for worker in fleet {
        worker.go_on().await;
        worker.stop().await;
    }
    let old = Process::<base::User>::start(patient(&store), &database);
    let new = Process::<reordered::User>::start(patient(&store), &database);
    for id in IDS {
        old.know(id).await;
        new.know(id).await;
        assert!(!old.find(id).await && !new.find(id).await);
    }
}
