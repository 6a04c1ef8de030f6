//! Bodies and parameters that are not `Send` compile, where the caller does not need `Send`.

#![deny(warnings, missing_docs, unused_qualifications, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use cache_kit::prelude::*;
use std::cell::Cell;
use std::rc::Rc;

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "parcel", ttl = "1h", key = id, index(label))]
pub struct Parcel {
    /// Which one.
    pub id: u64,
    /// What is written on it.
    pub label: String,
}

/// A desk that one thread owns.
pub struct Desk {
    cache: CacheService<InMemoryBackend>,
    loads: Rc<Cell<u64>>,
}

async fn pause() {
    tokio::task::yield_now().await;
}

impl Desk {
    async fn load(&self, id: u64) -> Parcel {
        let held = Rc::new(id);
        pause().await;
        self.loads.set(self.loads.get() + 1);
        Parcel {
            id: *held,
            label: format!("label {held}"),
        }
    }

    /// Finds one.
    #[cached]
    pub async fn find(&self, id: u64) -> Option<Parcel> {
        let held = Rc::new(id);
        pause().await;
        Some(self.load(*held).await)
    }

    /// Weighs a room.
    ///
    /// # Errors
    /// Never.
    #[cached(prefix = "weight", skip(scale))]
    pub async fn weight(&self, room: u64, scale: &Rc<Cell<u64>>) -> Result<u64, String> {
        let held = Rc::clone(scale);
        pause().await;
        held.set(room);
        Ok(held.get() + self.load(room).await.id)
    }

    /// Finds many.
    ///
    /// # Errors
    /// Never.
    #[cached]
    pub async fn list(&self, ids: &[u64]) -> Result<Vec<Parcel>, cache_kit::Error> {
        let mut parcels = Vec::new();
        for id in ids {
            let held = Rc::new(*id);
            pause().await;
            parcels.push(self.load(*held).await);
        }
        Ok(parcels)
    }

    /// Finds one by its label.
    #[cached(index = label)]
    pub async fn find_by_label(&self, label: &str) -> Option<Parcel> {
        let held = Rc::new(label.to_owned());
        pause().await;
        let id = held.strip_prefix("label ")?.parse().ok()?;
        Some(self.load(id).await)
    }

    /// Saves one.
    #[cache_put]
    pub async fn save(&self, parcel: Parcel) -> Parcel {
        let held = Rc::new(parcel);
        pause().await;
        Rc::unwrap_or_clone(held)
    }

    /// Removes one.
    #[cache_evict(entity = Parcel)]
    pub async fn remove(&self, id: u64) {
        let held = Rc::new(id);
        pause().await;
        drop(held);
    }
}

/// Finds one, on its own.
#[cached(skip(loads))]
pub async fn find(
    cache: &CacheService<InMemoryBackend>,
    id: u64,
    loads: Rc<Cell<u64>>,
) -> Option<Parcel> {
    pause().await;
    loads.set(loads.get() + 1);
    Some(Parcel {
        id,
        label: format!("label {id}"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = CacheService::new(InMemoryBackend::new());
    let loads = Rc::<Cell<u64>>::default();
    let desk = Desk {
        cache: cache.clone(),
        loads: Rc::clone(&loads),
    };
    let scale = Rc::default();
    assert_eq!(desk.find(1).await.map(|found| found.id), Some(1));
    assert_eq!(desk.weight(7, &scale).await, Ok(14));
    assert!(desk.list(&[1, 2]).await.is_ok_and(|found| found.len() == 2));
    assert!(desk.find_by_label("label 2").await.is_some());
    assert_eq!(find(&cache, 3, Rc::clone(&loads)).await.map(|found| found.id), Some(3));
    assert_eq!(loads.get(), 5);
    let saved = Parcel {
        id: 1,
        label: "new".to_owned(),
    };
    assert_eq!(desk.save(saved.clone()).await, saved);
    assert_eq!(desk.find(1).await, Some(saved));
    desk.remove(1).await;
    assert_eq!(desk.find(1).await.map(|found| found.label), Some("label 1".to_owned()));
}
