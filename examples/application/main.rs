//! A lending backend over HTTP: `cargo run --example application`.
//!
//! `DATABASE_URL` says where the rows are (`sqlite::memory:` unless set), `LISTEN` where requests
//! are taken (`127.0.0.1:3000` unless set).

use std::env;
use std::future::pending;

use anyhow::Context as _;
use cache_kit_examples::application::{Application, router, schema};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();
    let url = setting("DATABASE_URL", "sqlite::memory:")?;
    let address = setting("LISTEN", "127.0.0.1:3000")?;

    let db = schema::open(&url)
        .await
        .with_context(|| format!("cannot open the database {url}"))?;
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let here = format!("http://{}", listener.local_addr()?);
    println!("listening on {here}; for example:");
    println!(
        "  curl -i {here}/borrowers --json '{{\"name\":\"Ada\",\"email\":\"ada@example.com\"}}'"
    );
    println!("  curl {here}/borrowers/<the id>");
    println!("  curl {here}/stats");

    axum::serve(listener, router(Application::new(db.clone())))
        .with_graceful_shutdown(interrupt())
        .await?;
    db.close().await; // waits for writes whose clients have hung up
    Ok(())
}

/// Reads a setting from the environment.
fn setting(name: &str, default: &str) -> anyhow::Result<String> {
    match env::var(name) {
        Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        found => found.with_context(|| format!("cannot read {name}")),
    }
}

/// Waits for ctrl-c.
async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "ctrl-c will not be noticed");
        pending::<()>().await;
    }
}
