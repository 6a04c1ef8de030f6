//! Readers and a writer at once: what is read is what the last write left, or what one that was
//! under way is about to leave.
//!
//! The database is a file: there readers are not kept waiting by a transaction, as they are in
//! memory, and do load what is about to go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use futures::future::try_join_all;
use serde_json::json;
use tokio::spawn;

use crate::server::{Server, TestClient};

const READERS: usize = 4;
const WRITES: u64 = 60;
const ROUNDS: u64 = 20;

/// Counts writes. They are numbered: an odd one saves its number as the salary, an even one
/// removes the row, as if it had never been there before the first.
#[derive(Default)]
struct Progress {
    begun: AtomicU64,
    answered: AtomicU64,
}

/// Says what a write leaves.
fn left_by(write: u64) -> Option<u64> {
    (write % 2 == 1).then_some(write)
}

/// Reads the salary; `None` if there is no employment.
async fn read(client: &TestClient, path: &str) -> Option<u64> {
    let read = client.get(path).await;
    match read.status {
        200 => Some(read.body["salary_cents"].as_u64().expect("a salary")),
        404 => None,
        _ => panic!("{read:?}"),
    }
}

/// Writes, and reads each write back.
async fn write(client: TestClient, path: String, progress: Arc<Progress>) {
    for number in 1..=WRITES {
        progress.begun.store(number, SeqCst);
        let answered = match left_by(number) {
            Some(salary) => {
                let draft = json!({ "employer": "Engines", "salary_cents": salary });
                client.put(&path, draft).await
            }
            None => client.delete(&path).await,
        };
        assert!((200..300).contains(&answered.status), "{answered:?}");
        progress.answered.store(number, SeqCst);
        assert_eq!(read(&client, &path).await, left_by(number));
    }
}

/// Reads until the last write, and finds for each read a write that left it: none older than the
/// last that was answered before it, nor than the one that the read before saw.
async fn watch(client: TestClient, path: String, progress: Arc<Progress>) {
    let mut seen = 0;
    while seen < WRITES {
        let oldest = seen.max(progress.answered.load(SeqCst));
        let salary = read(&client, &path).await;
        let newest = progress.begun.load(SeqCst);
        let write = (oldest..=newest).find(|write| left_by(*write) == salary);
        seen = write.unwrap_or_else(|| panic!("{salary:?} was not left by {oldest}..={newest}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_never_followed_by_an_older_read() {
    let server = Server::start_on_disk("updates").await;
    let path = server.client.register("Ada").await.path() + "/employments/2020";
    let progress = Arc::new(Progress::default());

    let writer = spawn(write(server.client.clone(), path.clone(), progress.clone()));
    let readers =
        (0..READERS).map(|_| spawn(watch(server.client.clone(), path.clone(), progress.clone())));
    let ended = tokio::try_join!(writer, try_join_all(readers));

    ended.expect("every read follows from the writes");
    // The read after a removal finds no entry, so that loads and writes met.
    assert!(server.client.stat("loads").await >= WRITES / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_with_its_borrower_does_not_come_back() {
    let server = Server::start_on_disk("removal").await;
    for round in 0..ROUNDS {
        let borrower = server.client.register(&format!("Ada{round}")).await.path();
        let path = format!("{borrower}/employments/2020");
        let draft = json!({ "employer": "Engines", "salary_cents": 1 });
        assert_eq!(server.client.put(&path, draft).await.status, 200);
        let is_removed = Arc::new(AtomicBool::new(false));

        let readers = (0..READERS).map(|_| {
            spawn(watch_removal(
                server.client.clone(),
                path.clone(),
                is_removed.clone(),
            ))
        });
        let readers = try_join_all(readers);
        let removal = async {
            let removed = server.client.delete(&borrower).await;
            is_removed.store(true, SeqCst);
            Ok(removed.status)
        };
        let ended = tokio::try_join!(removal, readers);

        let (status, _) = ended.expect("a read after the removal finds nothing");
        assert_eq!(status, 204);
    }
}

/// Reads until the removal was answered, and once more.
async fn watch_removal(client: TestClient, path: String, is_removed: Arc<AtomicBool>) {
    loop {
        let was_removed = is_removed.load(SeqCst);
        let salary = read(&client, &path).await;
        if was_removed {
            assert_eq!(salary, None);
            return;
        }
    }
}
