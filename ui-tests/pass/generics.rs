//! Generic entities, generic keys, generic methods, where clauses, const generics.

use cache_kit::prelude::*;
use serde::de::DeserializeOwned;

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "page", key = id, ttl = "5m")]
struct Page<P>
where
    P: Send,
{
    id: u64,
    payload: P,
}

#[derive(Clone, Debug, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "keyed", key = (kind, name))]
#[serde(bound = "K: Serialize + DeserializeOwned, V: Serialize + DeserializeOwned")]
struct Keyed<K, V, const N: usize = 3> {
    kind: K,
    name: String,
    value: V,
}

struct Pages<D> {
    cache: CacheService<InMemoryBackend>,
    db: D,
}

impl<D: Sync> Pages<D> {
    #[cached(skip(payload))]
    async fn find<P, E>(&self, id: u64, payload: P) -> Result<Option<Page<P>>, E>
    where
        P: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
        E: Send,
    {
        let _ = &self.db;
        Ok(Some(Page { id, payload }))
    }

    #[cached]
    async fn keyed(&self, kind: u8, name: &str) -> Option<Keyed<u8, String>> {
        let _ = &self.db;
        let value = name.to_uppercase();
        Some(Keyed {
            kind,
            name: name.to_owned(),
            value,
        })
    }

    #[cache_put]
    async fn save(&self, page: Page<String>) -> Page<String> {
        let _ = &self.db;
        page
    }

    #[cache_evict(entity = Page<String>)]
    async fn remove(&self, id: u64) {
        let _ = (&self.db, id);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pages = Pages {
        cache: CacheService::new(InMemoryBackend::new()),
        db: (),
    };
    let found = pages.find::<_, std::fmt::Error>(1, "a".to_owned()).await;
    assert_eq!(found.unwrap().unwrap().payload, "a");
    let found = pages.find::<_, std::fmt::Error>(1, "b".to_owned()).await;
    assert_eq!(found.unwrap().unwrap().payload, "a");
    let payload = "c".to_owned();
    pages.save(Page { id: 1, payload }).await;
    let found = pages.find::<_, std::fmt::Error>(1, "b".to_owned()).await;
    assert_eq!(found.unwrap().unwrap().payload, "c");
    pages.remove(1).await;
    let found = pages.find::<_, std::fmt::Error>(1, "b".to_owned()).await;
    assert_eq!(found.unwrap().unwrap().payload, "b");
    assert_eq!(pages.keyed(7, "x").await.unwrap().value, "X");
    assert_eq!(KeyedKey::new(7_u8, "x").to_string(), "7:x");
}
