//! A body that is not `Send` works wherever its caller does not need `Send`.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit_tests::{counts, soon};
use std::cell::Cell;
use std::rc::Rc;
use tokio::task::{LocalSet, yield_now};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "parcel", ttl = "1h", key = id, index(label))]
struct Parcel {
    id: u64,
    label: String,
    weight: u64,
}

/// A desk that belongs to one thread. Every body holds an `Rc` across an await.
#[derive(Clone)]
struct Desk<B: CacheBackend> {
    cache: CacheService<B>,
    weight: Rc<Cell<u64>>,
    loads: Rc<Cell<u64>>,
}

impl<B: CacheBackend> Desk<B> {
    fn new(backend: B) -> Self {
        Self {
            cache: CacheService::new(backend),
            weight: Rc::new(Cell::new(1)),
            loads: Rc::default(),
        }
    }

    async fn load(&self, id: u64) -> Parcel {
        let held = Rc::clone(&self.weight);
        self.loads.set(self.loads.get() + 1);
        yield_now().await;
        Parcel {
            id,
            label: format!("label {id}"),
            weight: held.get(),
        }
    }

    #[cached]
    async fn find(&self, id: u64) -> cache_kit::Result<Option<Parcel>> {
        let held = Rc::new(id);
        let parcel = self.load(*held).await;
        Ok((parcel.id == *held).then_some(parcel))
    }

    #[cached(prefix = "heaviest", ttl = "1h", skip(scale))]
    async fn heaviest(&self, room: u64, scale: &Cell<u64>) -> u64 {
        let held = Rc::new(room);
        let parcel = self.load(*held).await;
        scale.set(scale.get() + 1);
        parcel.weight + *held
    }

    #[cached]
    async fn list(&self, ids: &[u64]) -> cache_kit::Result<Vec<Parcel>> {
        let held = Rc::new(ids.len());
        let mut parcels = Vec::with_capacity(*held);
        for id in ids {
            parcels.push(self.load(*id).await);
        }
        assert_eq!(parcels.len(), *held);
        Ok(parcels)
    }

    #[cached(index = label)]
    async fn find_by_label(&self, label: &str) -> cache_kit::Result<Option<Parcel>> {
        let held = Rc::new(label.to_owned());
        let id = held.strip_prefix("label ").and_then(|id| id.parse().ok());
        let parcel = self.load(id.unwrap_or(0)).await;
        Ok((parcel.label == *held).then_some(parcel))
    }

    #[cache_put]
    async fn save(&self, parcel: Parcel) -> cache_kit::Result<Parcel> {
        let held = Rc::clone(&self.weight);
        yield_now().await;
        held.set(parcel.weight);
        Ok(parcel)
    }

    #[cache_evict(entity = Parcel)]
    async fn remove(&self, id: u64) -> cache_kit::Result<u64> {
        let held = Rc::new(id);
        yield_now().await;
        Ok(*held)
    }

    fn loads(&self) -> u64 {
        self.loads.take()
    }
}

/// Calls each kind of function several times: the first call loads, the last one is a hit.
async fn each_kind_works<B: CacheBackend>(desk: Desk<B>) {
    let settled = async || desk.cache.run_pending_tasks().await.unwrap();
    for _ in 0..2 {
        assert_eq!(desk.find(1).await.unwrap().unwrap().weight, 1);
        settled().await;
    }
    assert_eq!(desk.loads(), 1, "a finder");

    let scale = Cell::new(0);
    for _ in 0..2 {
        assert_eq!(desk.heaviest(7, &scale).await, 8);
        settled().await;
    }
    assert_eq!((desk.loads(), scale.get()), (1, 1), "a value");

    for _ in 0..2 {
        assert_eq!(desk.list(&[1, 2, 3]).await.unwrap().len(), 3);
        settled().await;
    }
    assert_eq!(desk.loads(), 2, "a batch: one of the three was known");

    for _ in 0..3 {
        let found = desk.find_by_label("label 9").await.unwrap();
        assert_eq!(found.unwrap().id, 9);
        settled().await;
    }
    assert_eq!(desk.loads(), 2, "an index: the second load stores");

    let heavy = Parcel {
        weight: 5,
        ..desk.find(1).await.unwrap().unwrap()
    };
    assert_eq!(desk.save(heavy.clone()).await.unwrap(), heavy);
    assert_eq!(desk.find(1).await.unwrap(), Some(heavy));
    assert_eq!(desk.loads(), 0, "a put");

    assert_eq!(desk.remove(1).await.unwrap(), 1);
    settled().await;
    assert_eq!(desk.find(1).await.unwrap().unwrap().weight, 5);
    assert_eq!(desk.loads(), 1, "an evict");
}

#[tokio::test]
async fn a_runtime_of_one_thread_runs_them() {
    soon(each_kind_works(Desk::new(InMemoryBackend::new()))).await;
    soon(each_kind_works(Desk::new(ByteBackend::default()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_task_of_a_runtime_of_many_threads_runs_them() {
    soon(each_kind_works(Desk::new(InMemoryBackend::new()))).await;
}

#[tokio::test]
async fn tasks_of_a_local_set_run_them_and_share_their_loads() {
    let local = LocalSet::new();
    local.spawn_local(each_kind_works(Desk::new(InMemoryBackend::new())));
    let desk = Desk::new(InMemoryBackend::new());
    let finders: Vec<_> = (0..5)
        .map(|_| {
            let desk = desk.clone();
            local.spawn_local(async move { desk.find(1).await.unwrap().unwrap().id })
        })
        .collect();
    let lists: Vec<_> = (0..5)
        .map(|_| {
            let desk = desk.clone();
            local.spawn_local(async move { desk.list(&[1, 2]).await.unwrap().len() })
        })
        .collect();
    soon(local).await;
    for finder in finders {
        assert_eq!(finder.await.unwrap(), 1);
    }
    for list in lists {
        assert_eq!(list.await.unwrap(), 2);
    }
    assert_eq!(desk.loads(), 2, "each key was loaded once");
}

#[test]
fn a_thread_without_a_runtime_runs_them() {
    futures::executor::block_on(each_kind_works(Desk::new(InMemoryBackend::new())));
    futures::executor::block_on(each_kind_works(Desk::new(ByteBackend::default())));
}

#[tokio::test]
async fn a_load_by_hand_need_not_be_send_either() {
    let desk = Desk::new(InMemoryBackend::new());
    let cache = &desk.cache;
    let load = || async { Ok::<_, cache_kit::Error>(Some(desk.load(1).await)) };
    assert!(cache.get_or_load(&1, load).await.unwrap().is_some());
    let load_many = |ids: Vec<u64>| {
        let desk = &desk;
        async move {
            let mut parcels = Vec::new();
            for id in ids {
                parcels.push(desk.load(id).await);
            }
            Ok::<_, cache_kit::Error>(parcels)
        }
    };
    let found = cache
        .get_or_load_many::<Parcel, _, _>(&[1, 2], load_many)
        .await;
    assert!(found.unwrap().iter().all(Option::is_some));
    let label = "label 2".to_owned();
    let load = || async { Ok::<_, cache_kit::Error>(Some(desk.load(2).await)) };
    let found = cache
        .get_or_load_by::<ParcelByLabel, _, _>(&label, load)
        .await;
    assert_eq!(found.unwrap().unwrap().id, 2);
    assert_eq!(desk.loads(), 3);
    assert_eq!(
        counts(cache).fills,
        3,
        "two parcels, and where one is found"
    );
}
