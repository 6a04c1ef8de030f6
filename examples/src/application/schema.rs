//! The tables, and the pool that opens them.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

/// Strict tables: text that is no number is refused where a number belongs. UUIDs are 16 bytes,
/// times are RFC 3339.
const SCHEMA: &str = "
    create table if not exists borrower (
        id blob primary key,
        name text not null,
        email text not null unique collate nocase,
        created_at text not null,
        updated_at text not null
    ) strict, without rowid;

    create table if not exists employment (
        person_id blob not null references borrower (id),
        year integer not null,
        employer text not null,
        salary_cents integer not null,
        updated_at text not null,
        primary key (person_id, year)
    ) strict, without rowid;
";

/// Opens the database, and makes it first where there is none.
///
/// # Errors
///
/// When the address is none of `SQLite`, or it cannot be opened.
pub async fn open(url: &str) -> sqlx::Result<SqlitePool> {
    let address = url
        .parse::<SqliteConnectOptions>()?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal) // in a file, readers do not wait for the writer
        .foreign_keys(true);
    let db = SqlitePoolOptions::new()
        .max_connections(4)
        // a database in memory lives as long as its connections do
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(address)
        .await?;
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    Ok(db)
}
