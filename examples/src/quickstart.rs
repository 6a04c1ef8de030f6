//! The quickstart: 27,004 departures, each of which looks up its plane, its destination, its
//! airline and the weather.
//!
//! | module | what to copy from it |
//! | --- | --- |
//! | [`model`] | entities: what is cached, under which key, for how long |
//! | [`repository`] | annotated methods: where it is read, written and removed |
//! | [`data`] | CSV files into an embedded `SQLite` |
//! | [`replay`] | the departures in order, with the cache or without |
//! | [`writes`] | a write is seen by the next read |
//! | [`report`] | what is printed |

pub mod data;
pub mod model;
pub mod replay;
pub mod report;
pub mod repository;
mod rows;
pub mod writes;

use std::io::Write;

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use self::replay::Replay;
use self::report::Report;
use self::repository::Repository;

/// Replays the month with the cache and without, prints both, and shows that writes are seen at
/// once.
///
/// # Errors
///
/// When the data cannot be read, `SQLite` fails, or something this example claims is not so.
pub async fn run(out: &mut impl Write) -> anyhow::Result<()> {
    let departures = data::departures()?;
    let repository = Repository::new(data::open().await?);

    let bar = progress("with the cache", departures.len())?;
    let cached = Replay::cached(&repository, &departures, &bar).await?;
    let stats = repository.stats();

    let bar = progress("without it", departures.len())?;
    let uncached = Replay::uncached(&repository, &departures, &bar).await?;

    ensure!(
        cached.sights == uncached.sights,
        "the cache showed other rows than the database"
    );
    let report = Report::new(&cached, &uncached, &stats);
    ensure!(
        report.is_balanced(),
        "hits, absences and loads do not add up to the look-ups: {stats:?}"
    );
    writeln!(out, "{report}").context("cannot print the report")?;
    writes::show(&repository, out).await
}

/// Draws a bar on standard error where that is a terminal, and nothing elsewhere.
fn progress(title: &'static str, departures: usize) -> anyhow::Result<ProgressBar> {
    let style =
        ProgressStyle::with_template("{msg:>14} {bar:40} {human_pos} of {human_len} departures")?;
    Ok(ProgressBar::new(departures as u64)
        .with_style(style)
        .with_message(title))
}
