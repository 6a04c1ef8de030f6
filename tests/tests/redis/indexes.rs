//! Look-ups by an index, on a real server.

use super::support::{backend, config, service};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{RedisServer, soon, until};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "guest", ttl = "1h", key = id, index(email))]
struct Guest {
    id: u64,
    email: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_from_before_a_write_is_given_to_no_caller_after_it() {
    let server = RedisServer::start().await;
    let cache = service(&backend(config(server.addr())));
    let row = Arc::<Mutex<Option<Guest>>>::default();
    let (has_read, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = tokio::spawn({
        let (cache, row) = (cache.clone(), Arc::clone(&row));
        let (has_read, may_end) = (Arc::clone(&has_read), Arc::clone(&may_end));
        let load = async move || {
            let found = row.lock().unwrap().clone();
            has_read.notify_one();
            may_end.notified().await;
            Ok::<_, Error>(found)
        };
        async move {
            let email = "eve@".to_owned();
            let found = cache.get_or_load_by::<GuestByEmail, _, _>(&email, load);
            found.await.unwrap()
        }
    });
    soon(has_read.notified()).await;
    let eve = Guest {
        id: 7,
        email: "eve@".into(),
    };
    let write = async || {
        *row.lock().unwrap() = Some(eve.clone());
        Ok::<_, Error>(eve.clone())
    };
    cache.put_with(&7, write).await.unwrap();
    let misses = cache.stats().misses;
    let second = tokio::spawn({
        let (cache, row) = (cache.clone(), Arc::clone(&row));
        async move {
            let (email, load) = ("eve@".to_owned(), || async {
                Ok::<_, Error>(row.lock().unwrap().clone())
            });
            let found = cache.get_or_load_by::<GuestByEmail, _, _>(&email, load);
            found.await.unwrap()
        }
    });
    until("the second has missed", async || {
        (cache.stats().misses > misses).then_some(())
    })
    .await;
    // A caller counts its miss before it joins the load.
    tokio::time::sleep(Duration::from_millis(200)).await;
    may_end.notify_one();
    assert_eq!(soon(first).await.unwrap(), None, "it came before the write");
    let found = soon(second).await.unwrap();
    assert_eq!(found.as_deref(), Some(&eve));
}
