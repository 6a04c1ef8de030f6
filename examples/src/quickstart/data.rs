//! The CSV files of `examples/data`, read into an embedded `SQLite`.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use csv::{Reader, StringRecord};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::model::Departure;

/// The tables, each of which is filled from the file of its name. They are strict: text that is
/// no number is refused where a number belongs.
const TABLES: [(&str, &str); 4] = [
    (
        "planes",
        "create table planes (
            tailnum text primary key, year integer, type text not null,
            manufacturer text not null, model text not null, engines integer not null,
            seats integer not null, speed integer, engine text not null
        ) strict, without rowid",
    ),
    (
        "airports",
        "create table airports (
            faa text primary key, name text not null, lat real not null, lon real not null,
            alt integer not null, tz integer not null, dst text not null, tzone text
        ) strict, without rowid",
    ),
    (
        "airlines",
        "create table airlines (
            carrier text primary key, name text not null
        ) strict, without rowid",
    ),
    (
        "weather",
        "create table weather (
            origin text, time_hour text, temp real not null, humid real not null,
            wind_dir integer, wind_speed real not null, precip real not null,
            visib real not null, primary key (origin, time_hour)
        ) strict, without rowid",
    ),
];

/// Reads the departures of the month, in the order they happened.
///
/// # Errors
///
/// When the file is missing or a line of it is not a departure.
pub fn departures() -> anyhow::Result<Vec<Departure>> {
    let (mut reader, path) = reader("flights")?;
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read a departure from {}", path.display()))
}

/// Opens a database in memory that holds planes, airports, airlines and the weather.
///
/// # Errors
///
/// When a file is missing, does not fit its table, or `SQLite` fails.
pub async fn open() -> anyhow::Result<SqlitePool> {
    let db = connect()
        .await
        .context("cannot open a SQLite database in memory")?;
    let mut transaction = db.begin().await?;
    for (table, definition) in TABLES {
        sqlx::query(definition).execute(&mut *transaction).await?;
        fill(&mut transaction, table).await?;
    }
    transaction.commit().await?;
    Ok(db)
}

/// Opens an empty database in memory, set up to answer as fast as it can: the cache is measured
/// against it.
async fn connect() -> sqlx::Result<SqlitePool> {
    // Each database of this address is a new one, which its connections share.
    let address: SqliteConnectOptions = "sqlite::memory:".parse()?;
    SqlitePoolOptions::new()
        // a returned connection is free only a moment later; with one alone, each query waits
        .max_connections(4)
        // an embedded database does not hang up
        .test_before_acquire(false)
        // and lives as long as its connections do
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(address)
        .await
}

/// Inserts every line of the table's file.
async fn fill(transaction: &mut Transaction<'_, Sqlite>, table: &str) -> anyhow::Result<()> {
    let (mut reader, path) = reader(table)?;
    let columns: Vec<String> = sqlx::query_scalar("select name from pragma_table_info(?)")
        .bind(table)
        .fetch_all(&mut **transaction)
        .await?;
    ensure!(
        reader.headers()?.iter().eq(&columns),
        "{} should have the columns {columns:?}",
        path.display()
    );
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("insert into {table} values ({marks})");
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read {}", path.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        insert_record(transaction, &insert, &record)
            .await
            .with_context(|| format!("line {line} of {} does not fit", path.display()))?;
    }
    Ok(())
}

/// Inserts one line; what the data set calls `NA` is null.
async fn insert_record(
    transaction: &mut Transaction<'_, Sqlite>,
    insert: &str,
    record: &StringRecord,
) -> sqlx::Result<()> {
    let mut query = sqlx::query(insert);
    for field in record {
        query = query.bind((field != "NA").then_some(field));
    }
    query.execute(&mut **transaction).await?;
    Ok(())
}

/// Opens the CSV file of that name.
fn reader(name: &str) -> anyhow::Result<(Reader<File>, PathBuf)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("data/{name}.csv"));
    let reader =
        Reader::from_path(&path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok((reader, path))
}
