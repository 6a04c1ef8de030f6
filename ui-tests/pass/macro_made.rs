//! Structs, methods and options that come out of a `macro_rules!`.

use cache_kit::prelude::*;

macro_rules! cached_table {
    ($table:ident of $row:ident, $prefix:literal, $key:ident: $ty:ty, $life:expr) => {
        #[derive(Clone, Serialize, Deserialize, CacheEntity)]
        #[cache(prefix = $prefix, key = ($key, version), ttl = $life)]
        struct $row {
            $key: $ty,
            version: u8,
        }

        struct $table {
            store: CacheService<InMemoryBackend>,
        }

        impl $table {
            #[cached(cache = self.store, ttl = $life)]
            async fn find(&self, $key: $ty, version: u8) -> Option<$row> {
                let _ = &self;
                Some($row { $key, version })
            }

            #[cache_evict(entity = $row, cache = self.store)]
            async fn remove(&self, row: &$row) {
                let _ = row;
            }
        }
    };
}

cached_table!(Planes of Plane, "plane", tail: u32, "5m");

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let planes = Planes {
        store: CacheService::new(InMemoryBackend::new()),
    };
    let plane = planes.find(7, 1).await.unwrap();
    assert_eq!((plane.tail, plane.version), (7, 1));
    planes.remove(&plane).await;
}
