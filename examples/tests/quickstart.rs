//! The quickstart on its real input, against counts taken from the CSV files alone.

use std::collections::HashSet;

use cache_kit_examples::quickstart::data;
use cache_kit_examples::quickstart::replay::Replay;
use cache_kit_examples::quickstart::repository::Repository;
use cache_kit_examples::quickstart::run;
use csv::StringRecord;
use indicatif::ProgressBar;

/// The departures of the month.
const DEPARTURES: usize = 27_004;

/// Reads the lines of a CSV file, by nothing the quickstart is made of.
fn lines(name: &str) -> Vec<StringRecord> {
    let path = format!("{}/data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path)
        .expect("the file is there")
        .into_records()
        .collect::<Result<_, _>>()
        .expect("every line has the fields of the header")
}

/// What the departures ask of one table.
struct Asked {
    distinct: usize,
    absent: usize,
    absent_distinct: usize,
}

/// Counts what is asked of a table: `columns` of a departure name a row by its first columns.
fn asked<const N: usize>(table: &str, columns: [usize; N]) -> Asked {
    let key = |line: &StringRecord, columns: [usize; N]| columns.map(|c| line[c].to_owned());
    let present: HashSet<_> = lines(table)
        .iter()
        .map(|line| key(line, std::array::from_fn(|column| column)))
        .collect();
    let keys: Vec<_> = lines("flights")
        .iter()
        .map(|line| key(line, columns))
        .collect();
    let distinct: HashSet<_> = keys.iter().collect();
    Asked {
        distinct: distinct.len(),
        absent: keys.iter().filter(|key| !present.contains(*key)).count(),
        absent_distinct: distinct
            .iter()
            .filter(|key| !present.contains(**key))
            .count(),
    }
}

/// Counts what is asked of every table: plane, destination, airline, and weather by place and hour.
fn asked_of_all() -> [Asked; 4] {
    [
        asked("planes", [3]),
        asked("airports", [5]),
        asked("airlines", [1]),
        asked("weather", [4, 0]),
    ]
}

#[tokio::test]
async fn each_key_is_loaded_once_and_the_rows_are_those_of_the_database() {
    let departures = data::departures().expect("the departures are readable");
    let repository = Repository::new(data::open().await.expect("the tables are readable"));
    let bar = ProgressBar::hidden();

    let cached = Replay::cached(&repository, &departures, &bar)
        .await
        .expect("queries succeed");
    let stats = repository.stats();
    let uncached = Replay::uncached(&repository, &departures, &bar)
        .await
        .expect("queries succeed");

    assert_eq!(departures.len(), DEPARTURES);
    assert_eq!(cached.look_ups(), 4 * DEPARTURES);
    assert!(
        cached.sights == uncached.sights,
        "the replays saw different rows"
    );

    let asked = asked_of_all();
    let loads: usize = asked.iter().map(|table| table.distinct).sum();
    let absences: usize = asked
        .iter()
        .map(|table| table.absent - table.absent_distinct)
        .sum();
    let look_ups = 4 * DEPARTURES as u64;
    assert_eq!(stats.loads, loads as u64);
    assert_eq!(stats.absent_hits, absences as u64);
    assert_eq!(stats.hits + stats.absent_hits + stats.loads, look_ups);
    assert_eq!(
        repository.stats(),
        stats,
        "the uncached replay went through the cache"
    );
}

#[tokio::test]
async fn the_story_holds_and_is_told() {
    let mut out = Vec::new();
    run(&mut out).await.expect("every claim holds");

    let out = String::from_utf8(out).expect("the report is text");
    for told in [
        "departures        27,004",
        "look-ups         108,016",
        "speed-up",
    ] {
        assert!(out.contains(told), "no `{told}` in:\n{out}");
    }
    assert_eq!(out.matches("seen at once").count(), 3, "{out}");
}
