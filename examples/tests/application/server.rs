//! A server of its own for each test, and a client to ask it with.

use std::fs;
use std::io::ErrorKind;

use cache_kit_examples::application::{Application, router, schema};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How often a test asks for what is bound to happen before it gives up.
const PATIENCE: usize = 10_000;

/// Runs the application on a free port of loopback until it is dropped.
pub(crate) struct Server {
    /// The database behind it, to meddle with.
    pub(crate) db: SqlitePool,
    pub(crate) application: Application,
    pub(crate) client: TestClient,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts over an empty database.
    pub(crate) async fn start() -> Self {
        let db = schema::open("sqlite::memory:").await;
        Self::over(db.expect("memory is there")).await
    }

    /// Starts over an empty database in a file of that name.
    pub(crate) async fn start_on_disk(name: &str) -> Self {
        let path = format!("{}/application-{name}.db", env!("CARGO_TARGET_TMPDIR"));
        for leftover in ["", "-wal", "-shm"] {
            match fs::remove_file(format!("{path}{leftover}")) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.expect("what an earlier run left can be removed"),
            }
        }
        let db = schema::open(&format!("sqlite://{path}")).await;
        Self::over(db.expect("the folder is writable")).await
    }

    /// Starts again over the same database: with an empty cache.
    pub(crate) async fn restart(self) -> Self {
        Self::over(self.db.clone()).await
    }

    async fn over(db: SqlitePool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let application = Application::new(db.clone());
        let served = axum::serve(listener, router(application.clone()));
        Self {
            db,
            application,
            client: TestClient {
                base: format!("http://{address}"),
                client: Client::new(),
            },
            task: tokio::spawn(async move { served.await.expect("it serves") }),
        }
    }

    /// Takes every connection of the pool: until they are dropped, queries wait.
    pub(crate) async fn hold_connections(&self) -> Vec<PoolConnection<Sqlite>> {
        let mut held = Vec::new();
        for _ in 0..self.db.options().get_max_connections() {
            held.push(self.db.acquire().await.expect("a connection is free"));
        }
        held
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends requests; cloned for those that are to run at once.
#[derive(Clone)]
pub(crate) struct TestClient {
    base: String,
    client: Client,
}

/// Is a status and a body, `Null` where there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }

    /// Returns the path of what the body shows.
    pub(crate) fn path(&self) -> String {
        let id = self.body["id"].as_str().expect("a borrower has an id");
        format!("/borrowers/{id}")
    }
}

impl TestClient {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Registers a borrower of that name, and returns what was answered.
    pub(crate) async fn register(&self, name: &str) -> Answer {
        let email = format!("{}@example.org", name.to_lowercase());
        let draft = json!({ "name": name, "email": email });
        let registered = self.post("/borrowers", draft).await;
        assert_eq!(registered.status, 201, "{registered:?}");
        registered
    }

    /// Reads one number of `/stats`.
    pub(crate) async fn stat(&self, name: &str) -> u64 {
        let stats = self.get("/stats").await;
        stats.body[name].as_u64().expect("it is counted")
    }

    /// Asks until the answer is what is waited for. The server works while it is asked.
    pub(crate) async fn wait_for(&self, path: &str, is_it: impl Fn(&Answer) -> bool) {
        for _ in 0..PATIENCE {
            if is_it(&self.get(path).await) {
                return;
            }
        }
        panic!("{path} never answered what was waited for");
    }

    /// Waits until so many reads have found nothing in the cache.
    pub(crate) async fn wait_for_misses(&self, misses: usize) {
        self.wait_for("/stats", |stats| stats.body["misses"] == json!(misses))
            .await;
    }

    /// Sends a request whose body is text, whatever it says.
    pub(crate) async fn post_text(&self, path: &str, media_type: &str, body: &str) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request
            .header("content-type", media_type)
            .body(body.to_owned());
        answer(request.send().await).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        answer(request.send().await).await
    }
}

async fn answer(response: reqwest::Result<Response>) -> Answer {
    let response = response.expect("the server answers");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("the body arrives");
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).expect("the body is JSON")
    };
    Answer { status, body }
}
