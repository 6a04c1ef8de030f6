//! `#[cache(index(email))]` and `#[cached(index = email)]`: entities found by another field than
//! their key.

use cache_kit::prelude::*;
use cache_kit::testing::ByteBackend;
use cache_kit::{Error, Outcome, output::Source};
use cache_kit_tests::{Distant, counts, settle, soon, until};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "account", key = id, ttl = "1h", negative_ttl = "1m", index(email, nick_name))]
struct Account {
    id: u64,
    email: String,
    nick_name: Option<String>,
}

fn account(id: u64, email: &str) -> Account {
    Account {
        id,
        email: email.to_owned(),
        nick_name: None,
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("no connection")]
struct DbError;

#[derive(Clone)]
struct Accounts<B: CacheBackend = InMemoryBackend> {
    cache: CacheService<B>,
    rows: Arc<Mutex<BTreeMap<u64, Account>>>,
    loads: Arc<AtomicU64>,
    is_failing: Arc<AtomicBool>,
}

impl Accounts {
    fn new() -> Self {
        Self::over(CacheService::new(InMemoryBackend::new()))
    }
}

impl<B: CacheBackend> Accounts<B> {
    fn over(cache: CacheService<B>) -> Self {
        let rows = [account(1, "ada@"), account(2, "bob@")];
        Self {
            cache,
            rows: Arc::new(Mutex::new(rows.map(|row| (row.id, row)).into())),
            loads: Arc::default(),
            is_failing: Arc::default(),
        }
    }

    async fn select(&self, is_it: impl Fn(&Account) -> bool) -> Result<Option<Account>, DbError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if self.is_failing.load(Ordering::SeqCst) {
            return Err(DbError);
        }
        let rows = self.rows.lock().unwrap();
        Ok(rows.values().find(|row| is_it(row)).cloned())
    }

    fn loads(&self) -> u64 {
        self.loads.swap(0, Ordering::SeqCst)
    }

    #[cached]
    async fn find(&self, id: u64) -> Result<Option<Account>, DbError> {
        self.select(|row| row.id == id).await
    }

    #[cached(index = email)]
    async fn find_by_email(&self, email: &str) -> Result<Option<Account>, DbError> {
        self.select(|row| row.email == email).await
    }

    #[cached(index = nick_name)]
    async fn find_by_nick_name(
        &self,
        name: &str,
    ) -> Result<Outcome<Option<Arc<Account>>>, DbError> {
        let found = self
            .select(|row| row.nick_name.as_deref() == Some(name))
            .await?;
        Ok(Outcome::loaded(found.map(Arc::new)))
    }

    #[cached(index = email, strategy = strategy, key = address.trim())]
    async fn by(&self, address: &str, strategy: CacheStrategy) -> Result<Option<Account>, DbError> {
        self.select(|row| row.email == address.trim()).await
    }

    #[cache_put]
    async fn save(&self, account: Account) -> Result<Account, DbError> {
        self.rows
            .lock()
            .unwrap()
            .insert(account.id, account.clone());
        Ok(account)
    }

    #[cache_evict(entity = Account)]
    async fn remove(&self, id: u64) -> Result<(), DbError> {
        self.rows.lock().unwrap().remove(&id);
        Ok(())
    }
}

async fn id_of<B: CacheBackend>(accounts: &Accounts<B>, email: &str) -> Option<u64> {
    accounts
        .find_by_email(email)
        .await
        .unwrap()
        .map(|found| found.id)
}

#[tokio::test]
async fn an_entity_is_found_by_its_index_once_it_is_known_where_it_is() {
    let accounts = Accounts::new();
    assert_eq!(id_of(&accounts, "ada@").await, Some(1));
    assert_eq!(accounts.loads(), 1, "it is known now where it is");
    assert_eq!(accounts.find(1).await.unwrap(), Some(account(1, "ada@")));
    assert_eq!(accounts.loads(), 1);
    for _ in 0..3 {
        assert_eq!(id_of(&accounts, "ada@").await, Some(1));
    }
    assert_eq!(accounts.loads(), 0);
}

#[tokio::test]
async fn a_second_load_by_the_index_stores_the_entity_under_its_key() {
    let accounts = Accounts::new();
    for _ in 0..4 {
        assert_eq!(id_of(&accounts, "ada@").await, Some(1));
    }
    assert_eq!(accounts.loads(), 2);
    accounts.find(1).await.unwrap();
    assert_eq!(accounts.loads(), 0);
}

#[tokio::test]
async fn what_is_absent_is_absent_and_not_remembered() {
    let accounts = Accounts::new();
    assert_eq!(id_of(&accounts, "eve@").await, None);
    accounts.save(account(3, "eve@")).await.unwrap();
    assert_eq!(id_of(&accounts, "eve@").await, Some(3));
    assert_eq!(accounts.loads(), 2);
    assert_eq!(id_of(&accounts, "eve@").await, Some(3));
    assert_eq!(accounts.loads(), 0, "the entity was there, from the put");
}

#[tokio::test]
async fn a_put_that_changes_the_field_is_seen_by_both_its_values() {
    let accounts = Accounts::new();
    for _ in 0..2 {
        id_of(&accounts, "ada@").await;
        id_of(&accounts, "new@").await;
    }
    accounts.save(account(1, "new@")).await.unwrap();
    assert_eq!(id_of(&accounts, "new@").await, Some(1));
    assert_eq!(id_of(&accounts, "ada@").await, None, "it is elsewhere now");
    accounts.loads();
    assert_eq!(id_of(&accounts, "new@").await, Some(1));
    assert_eq!(accounts.loads(), 0);

    // Somebody else takes the address.
    accounts.save(account(2, "ada@")).await.unwrap();
    assert_eq!(id_of(&accounts, "ada@").await, Some(2));
    assert_eq!(accounts.find(1).await.unwrap().unwrap().email, "new@");
}

#[tokio::test]
async fn an_eviction_is_seen_by_the_index() {
    let accounts = Accounts::new();
    for _ in 0..2 {
        id_of(&accounts, "ada@").await;
    }
    accounts.remove(1).await.unwrap();
    assert_eq!(id_of(&accounts, "ada@").await, None);
    assert_eq!(accounts.find(1).await.unwrap(), None);
    accounts.save(account(1, "ada@")).await.unwrap();
    assert_eq!(id_of(&accounts, "ada@").await, Some(1));
}

#[tokio::test]
async fn an_old_hint_does_not_make_an_entity_absent() {
    let accounts = Accounts::new();
    id_of(&accounts, "ada@").await;
    // The field was changed, and nobody told the cache.
    accounts.rows.lock().unwrap().get_mut(&1).unwrap().email = "new@".into();
    assert_eq!(id_of(&accounts, "ada@").await, None);
    assert_eq!(accounts.find(1).await.unwrap(), Some(account(1, "new@")));
}

#[tokio::test]
async fn an_optional_field_is_an_index_where_it_is_there() {
    let accounts = Accounts::new();
    accounts
        .save(Account {
            nick_name: Some("the: countess".into()),
            ..account(1, "ada@")
        })
        .await
        .unwrap();
    let found = accounts.find_by_nick_name("the: countess").await.unwrap();
    assert_eq!((found.source, found.value.unwrap().id), (Source::Loaded, 1));
    let found = accounts.find_by_nick_name("the: countess").await.unwrap();
    assert_eq!((found.source, found.value.unwrap().id), (Source::Hit, 1));
    assert_eq!(accounts.find_by_nick_name("bob").await.unwrap().value, None);
}

#[tokio::test]
async fn each_strategy_does_what_it_says() {
    let accounts = Accounts::new();
    assert_eq!(
        accounts.by("ada@", CacheStrategy::Fresh).await.unwrap(),
        None
    );
    assert_eq!(accounts.loads(), 0);
    for _ in 0..2 {
        accounts.by(" ada@", CacheStrategy::Refresh).await.unwrap();
    }
    accounts.loads();
    assert!(
        accounts
            .by("ada@", CacheStrategy::Fresh)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(accounts.loads(), 0);
    accounts.by("ada@", CacheStrategy::Bypass).await.unwrap();
    assert_eq!(accounts.loads(), 1);
    accounts
        .by("ada@", CacheStrategy::Invalidate)
        .await
        .unwrap();
    assert_eq!(accounts.loads(), 1);
    accounts.find(1).await.unwrap();
    assert_eq!(accounts.loads(), 1, "`Invalidate` dropped the entity too");
}

#[tokio::test]
async fn failures_are_the_callers() {
    let accounts = Accounts::new();
    accounts.is_failing.store(true, Ordering::SeqCst);
    assert_eq!(accounts.find_by_email("ada@").await, Err(DbError));
    accounts.is_failing.store(false, Ordering::SeqCst);
    id_of(&accounts, "ada@").await;
    accounts.is_failing.store(true, Ordering::SeqCst);
    assert_eq!(accounts.find_by_email("ada@").await, Err(DbError));
    accounts.is_failing.store(false, Ordering::SeqCst);
    assert_eq!(id_of(&accounts, "ada@").await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_cold_index_share_loads() {
    let accounts = Accounts::new();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { id_of(&accounts, "ada@").await })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap(), Some(1));
    }
    let loads = accounts.loads();
    assert!(loads <= 2, "one tells where it is, one stores it: {loads}");
}

/// One row, whose first load takes what is there and ends when the test says so.
#[derive(Clone)]
struct Register<B: CacheBackend> {
    cache: CacheService<B>,
    row: Arc<Mutex<Option<Account>>>,
    loads: Arc<AtomicU64>,
    has_read: Arc<Notify>,
    may_end: Arc<Notify>,
}

impl<B: CacheBackend> Register<B> {
    fn over(backend: B) -> Self {
        Self {
            cache: CacheService::new(backend),
            row: Arc::default(),
            loads: Arc::default(),
            has_read: Arc::default(),
            may_end: Arc::default(),
        }
    }

    async fn load(&self) -> Result<Option<Account>, Error> {
        let found = self.row.lock().unwrap().clone();
        if self.loads.fetch_add(1, Ordering::SeqCst) == 0 {
            self.has_read.notify_one();
            self.may_end.notified().await;
        } else {
            settle().await;
        }
        Ok(found)
    }

    #[cached(index = email)]
    async fn find(&self, email: &str) -> Result<Option<Account>, Error> {
        let _ = email;
        self.load().await
    }

    async fn find_by_hand(&self) -> Option<Account> {
        let (email, load) = ("eve@".to_owned(), || self.load());
        let found = self
            .cache
            .get_or_load_by::<AccountByEmail, _, _>(&email, load);
        found.await.unwrap().as_deref().cloned()
    }

    async fn call(self, is_by_hand: bool) -> Option<Account> {
        if is_by_hand {
            self.find_by_hand().await
        } else {
            self.find("eve@").await.unwrap()
        }
    }

    #[cache_put]
    async fn save(&self, account: Account) -> Result<Account, Error> {
        *self.row.lock().unwrap() = Some(account.clone());
        Ok(account)
    }

    #[cache_evict(entity = Account)]
    async fn insert(&self, id: u64) -> Result<(), Error> {
        *self.row.lock().unwrap() = Some(account(id, "eve@"));
        Ok(())
    }

    /// Runs a write while a first caller loads, and then other callers who come before that load
    /// has ended. Returns what these are given.
    async fn others_after(
        &self,
        is_by_hand: bool,
        write: impl Future<Output = ()>,
    ) -> Vec<Option<Account>> {
        let first = tokio::spawn(self.clone().call(is_by_hand));
        soon(self.has_read.notified()).await;
        soon(write).await;
        let (misses, count) = (self.cache.stats().misses, 10);
        let others: Vec<_> = (0..count)
            .map(|_| tokio::spawn(self.clone().call(is_by_hand)))
            .collect();
        until("the others have missed", async || {
            (self.cache.stats().misses >= misses + count).then_some(())
        })
        .await;
        settle().await;
        self.may_end.notify_one();
        assert_eq!(soon(first).await.unwrap(), None, "it came before the write");
        let mut found = Vec::new();
        for other in others {
            found.push(soon(other).await.unwrap());
        }
        found
    }
}

async fn an_absence_from_before_a_write_is_given_to_no_caller_after_it<B: CacheBackend>(
    make: impl Fn() -> B,
) {
    for (is_by_hand, is_put) in [(false, false), (false, true), (true, false), (true, true)] {
        let register = Register::over(make());
        let write = async {
            if is_put {
                register.save(account(3, "eve@")).await.unwrap();
            } else {
                register.insert(3).await.unwrap();
            }
        };
        for found in register.others_after(is_by_hand, write).await {
            assert_eq!(
                found,
                Some(account(3, "eve@")),
                "by hand: {is_by_hand}, a put: {is_put}"
            );
        }
        let loads = register.loads.load(Ordering::SeqCst);
        assert!(loads <= 3, "they share what they load: {loads}");
    }
}

#[tokio::test]
async fn an_absence_from_before_a_write_is_given_to_no_caller_after_it_in_memory() {
    an_absence_from_before_a_write_is_given_to_no_caller_after_it(InMemoryBackend::new).await;
}

#[tokio::test]
async fn an_absence_from_before_a_write_is_given_to_no_caller_after_it_over_bytes() {
    an_absence_from_before_a_write_is_given_to_no_caller_after_it(ByteBackend::default).await;
}

#[tokio::test]
async fn an_absence_whose_fill_is_on_its_way_is_given_to_no_caller_after_a_write() {
    for is_by_hand in [false, true] {
        let store = Distant::new(ByteBackend::default());
        let register = Register::over(store.clone());
        store.hold_next_fill();
        register.may_end.notify_one();
        assert_eq!(soon(register.clone().call(is_by_hand)).await, None);
        register.save(account(3, "eve@")).await.unwrap();
        let found = soon(register.clone().call(is_by_hand)).await;
        assert_eq!(found, Some(account(3, "eve@")), "by hand: {is_by_hand}");
        store.release_fill();
    }
}

#[tokio::test]
async fn callers_of_what_stays_absent_share_the_next_load() {
    for is_by_hand in [false, true] {
        let register = Register::over(InMemoryBackend::new());
        let found = register.others_after(is_by_hand, async {}).await;
        assert_eq!(found, vec![None; 10]);
        assert_eq!(register.loads.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn stores_of_bytes_have_indexes_too() {
    let accounts = Accounts::over(CacheService::new(ByteBackend::default()));
    for _ in 0..4 {
        assert_eq!(id_of(&accounts, "bob@").await, Some(2));
        accounts.cache.run_pending_tasks().await.unwrap();
    }
    assert_eq!(accounts.loads(), 2);
}

#[tokio::test]
async fn the_same_works_by_hand() {
    let (cache, loads) = (CacheService::new(InMemoryBackend::new()), AtomicU64::new(0));
    let email = "ada@".to_owned();
    let load = || async {
        loads.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(Some(account(1, "ada@")))
    };
    for _ in 0..4 {
        let found = cache
            .get_or_load_by::<AccountByEmail, _, _>(&email, load)
            .await;
        assert_eq!(found.unwrap().as_deref(), Some(&account(1, "ada@")));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 2);
    cache.put(account(1, "new@")).await.unwrap();
    let none = || async { Ok::<_, Error>(None) };
    let found = cache
        .get_or_load_by::<AccountByEmail, _, _>(&email, none)
        .await;
    assert_eq!(found.unwrap(), None);
}

/// Both are text: a name decides which is which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "page", key = (site, path), index(slug))]
struct Page<T>
where
    T: Send,
{
    site: String,
    path: String,
    slug: String,
    content: T,
}

#[cached(index = slug, skip(loads))]
async fn page(
    cache: &CacheService<InMemoryBackend>,
    slug: String,
    loads: &AtomicU64,
) -> cache_kit::Result<Page<u8>> {
    loads.fetch_add(1, Ordering::SeqCst);
    Ok(Page {
        site: "a:b".into(),
        path: "c".into(),
        slug,
        content: 7,
    })
}

#[tokio::test]
async fn entities_with_keys_of_several_fields_and_generic_ones_have_indexes() {
    let (cache, loads) = (CacheService::new(InMemoryBackend::new()), AtomicU64::new(0));
    for _ in 0..4 {
        assert_eq!(page(&cache, "x".into(), &loads).await.unwrap().content, 7);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 2);
    let key = PageKey::new("a:b", "c");
    assert!(cache.get::<Page<u8>>(&key).await.unwrap().is_some());
    assert!(counts(&cache).hits > 0);
    let load = || async { Ok::<Option<Page<u8>>, Error>(None) };
    let slug = "x".to_owned();
    let found = cache
        .get_or_load_by::<PageBySlug<u8>, _, _>(&slug, load)
        .await;
    assert!(found.unwrap().is_some(), "it is the same index");
}
