//! `key`, `strategy` and the lifetimes.

use super::{Cell, CellKey, Counter, Desk, FIRST, Item, desk};
use cache_kit::prelude::*;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Desk {
    #[cached(key = cell.row_id())]
    async fn by_expression(&self, cell: &Cell) -> Option<Item> {
        self.loads.item(cell.row_id())
    }

    #[cached(key = { id + 1 })]
    async fn by_neighbour(&self, id: u64) -> Option<Item> {
        self.loads.item(id + 1)
    }

    #[cached(key = (sheet = name.trim(), row = number))]
    async fn by_names(&self, name: &str, number: u32) -> Cell {
        self.loads.cell(name.trim(), number)
    }

    #[cached(key = (at.sheet, &at.row))]
    async fn by_fields(&self, at: &CellKey) -> Cell {
        self.loads.cell(&at.sheet, at.row)
    }

    #[cached(key = CellKey::new(at.0, at.1))]
    async fn by_made_key(&self, at: (&str, u32)) -> Cell {
        self.loads.cell(at.0, at.1)
    }

    #[cached(strategy = if is_cold { CacheStrategy::Bypass } else { self.usual() })]
    async fn by_strategy(&self, id: u64, is_cold: bool) -> Option<Item> {
        self.loads.item(id)
    }

    #[cached(strategy = CacheStrategy::Invalidate)]
    async fn renewed(&self, id: u64) -> Item {
        self.loads.item(id).unwrap()
    }

    fn usual(&self) -> CacheStrategy {
        if self.loads.0.load(Ordering::SeqCst) < 100 {
            CacheStrategy::Refresh
        } else {
            CacheStrategy::Bypass
        }
    }
}

impl Cell {
    fn row_id(&self) -> u64 {
        self.row.into()
    }
}

#[tokio::test]
async fn a_key_may_be_written_in_every_form() {
    let desk = desk();
    let cell = desk.by_names(" a ", 1).await;
    assert_eq!(desk.by_fields(&CellKey::new("a", 1)).await, cell);
    assert_eq!(desk.by_made_key(("a", 1)).await, cell);
    assert_eq!(
        desk.cache
            .get::<Cell>(&CellKey::new("a", 1))
            .await
            .unwrap()
            .as_deref(),
        Some(&cell)
    );
    let item = desk.by_expression(&cell).await;
    assert_eq!(desk.by_neighbour(0).await, item);
    assert_eq!(
        desk.cache.get::<Item>(&1).await.unwrap().as_deref(),
        item.as_ref()
    );
}

#[tokio::test]
async fn a_strategy_is_an_expression_and_what_it_reads_is_no_part_of_the_key() {
    let desk = desk();
    assert_eq!(desk.by_strategy(7, false).await.unwrap().load, 1);
    assert_eq!(desk.by_strategy(7, true).await.unwrap().load, 2);
    assert_eq!(desk.by_strategy(7, false).await.unwrap().load, 1);
    assert_eq!(desk.renewed(7).await.load, 3);
    assert_eq!(desk.by_strategy(7, false).await.unwrap().load, 3);
}

#[tokio::test]
async fn lifetimes_of_the_attribute_override_those_of_the_entity() {
    const BRIEF: Duration = Duration::from_secs(5);
    struct Clocked {
        cache: CacheService<InMemoryBackend>,
        loads: Counter,
    }
    impl Clocked {
        #[cached(ttl = "10s", negative_ttl = BRIEF, jitter = 0.0)]
        async fn find(&self, id: u64) -> Option<Item> {
            self.loads.item(id)
        }
    }
    let (cache, clock) = cache_kit_tests::clocked_cache();
    let desk = Clocked {
        cache,
        loads: Counter::default(),
    };
    assert_eq!((desk.find(7).await, desk.find(0).await), (FIRST, None));
    clock.advance(BRIEF.saturating_sub(Duration::from_nanos(1)));
    assert_eq!((desk.find(7).await, desk.find(0).await), (FIRST, None));
    assert_eq!(desk.loads.0.load(Ordering::SeqCst), 2);
    clock.advance(BRIEF);
    assert_eq!((desk.find(7).await, desk.find(0).await), (FIRST, None));
    assert_eq!(
        desk.loads.0.load(Ordering::SeqCst),
        3,
        "the absence has ended, the value has not"
    );
    clock.advance(Duration::from_nanos(1));
    assert_eq!(desk.find(7).await.unwrap().load, 4);
}

#[tokio::test]
async fn a_cache_is_whatever_expression_leads_to_one() {
    use cache_kit::prelude::*;
    use std::sync::LazyLock;
    static GLOBAL: LazyLock<CacheService<InMemoryBackend>> =
        LazyLock::new(|| CacheService::new(InMemoryBackend::new()));
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "anywhere", key = id)]
    struct Anywhere {
        id: u64,
    }
    struct Repo {
        inner: CacheService<InMemoryBackend>,
    }
    impl Repo {
        fn cache(&self) -> &CacheService<InMemoryBackend> {
            &self.inner
        }
        fn owned(&self) -> CacheService<InMemoryBackend> {
            self.inner.clone()
        }
        #[cached(cache = self.cache())]
        async fn by_method(&self, id: u64) -> Option<Anywhere> {
            Some(Anywhere { id })
        }
        #[cached(cache = &self.inner)]
        async fn by_reference(&self, id: u64) -> Option<Anywhere> {
            Some(Anywhere { id })
        }
        #[cached(cache = self.owned())]
        async fn by_value(&self, id: u64) -> Option<Anywhere> {
            Some(Anywhere { id })
        }
        #[cached(cache = GLOBAL)]
        async fn by_static(&self, id: u64) -> Option<Anywhere> {
            Some(Anywhere { id })
        }
        #[cache_put(cache = self.cache())]
        async fn put(&self, one: Anywhere) -> Anywhere {
            one
        }
        #[cache_evict(entity = Anywhere, cache = self.owned())]
        async fn evict(&self, id: u64) {}
    }
    let repo = Repo {
        inner: CacheService::new(InMemoryBackend::new()),
    };
    repo.by_method(1).await;
    repo.by_reference(1).await;
    repo.by_value(1).await;
    assert_eq!(repo.inner.stats().loads, 1);
    repo.by_static(1).await;
    repo.by_static(1).await;
    assert_eq!(GLOBAL.stats().loads, 1);
    repo.put(Anywhere { id: 2 }).await;
    assert!(repo.inner.get::<Anywhere>(&2).await.unwrap().is_some());
    repo.evict(2).await;
    assert!(repo.inner.get::<Anywhere>(&2).await.unwrap().is_none());
}
