//! What the quickstart prints.

use std::fmt::{self, Display};
use std::time::Duration;

use cache_kit::observe::CacheStats;

use super::replay::Replay;

/// The figures of two replays of one month.
#[derive(Debug)]
pub struct Report {
    departures: u64,
    look_ups: u64,
    hits: u64,
    absences: u64,
    loads: u64,
    hit_ratio: f64,
    time_cached: Duration,
    time_uncached: Duration,
}

impl Report {
    /// Takes the figures from the replays and from the cache, as it was after the first.
    pub fn new(cached: &Replay, uncached: &Replay, stats: &CacheStats) -> Self {
        Self {
            departures: cached.sights.len() as u64,
            look_ups: cached.look_ups() as u64,
            hits: stats.hits,
            absences: stats.absent_hits,
            loads: stats.loads,
            hit_ratio: stats.hit_ratio().unwrap_or_default(),
            time_cached: cached.time,
            time_uncached: uncached.time,
        }
    }

    /// Says whether every look-up was exactly one of hit, absence and load.
    pub fn is_balanced(&self) -> bool {
        self.hits + self.absences + self.loads == self.look_ups
    }

    /// Returns how many times faster the replay was with the cache.
    fn speed_up(&self) -> f64 {
        self.time_uncached.div_duration_f64(self.time_cached)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let departures = grouped(self.departures);
        let look_ups = grouped(self.look_ups);
        let hit_ratio = format!("{:.1} %", self.hit_ratio * 100.0);
        let times = [self.time_cached, self.time_uncached].map(seconds);
        row(f, "January 2013", "with cache", "without")?;
        row(f, "departures", &departures, &departures)?;
        row(f, "look-ups", &look_ups, &look_ups)?;
        row(f, "hits", &grouped(self.hits), "-")?;
        row(f, "absences", &grouped(self.absences), "-")?;
        row(f, "loads", &grouped(self.loads), &look_ups)?;
        row(f, "hit ratio", &hit_ratio, "-")?;
        row(f, "time", &times[0], &times[1])?;
        row(f, "speed-up", &format!("{:.1} x", self.speed_up()), "")
    }
}

/// Writes one line of the table.
fn row(f: &mut fmt::Formatter<'_>, name: &str, with: &str, without: &str) -> fmt::Result {
    let line = format!("{name:<12}{with:>12}{without:>12}");
    writeln!(f, "{}", line.trim_end())
}

/// Writes a number with its thousands apart: `27,004`.
fn grouped(n: u64) -> String {
    if n < 1000 {
        return n.to_string();
    }
    format!("{},{:03}", grouped(n / 1000), n % 1000)
}

/// Writes a duration in seconds: `1.234 s`.
fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            departures: 27_004,
            look_ups: 108_016,
            hits: 98_451,
            absences: 4_664,
            loads: 4_901,
            hit_ratio: 0.9546,
            time_cached: Duration::from_millis(250),
            time_uncached: Duration::from_secs(4),
        }
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            [0, 999, 1_000, 27_004, 1_000_000].map(grouped),
            ["0", "999", "1,000", "27,004", "1,000,000"]
        );
    }

    #[test]
    fn figures_that_do_not_add_up_are_noticed() {
        assert!(report().is_balanced());
        assert!(
            !Report {
                loads: 4_902,
                ..report()
            }
            .is_balanced()
        );
    }

    #[test]
    fn the_table_is_aligned() {
        let expected = "\
January 2013  with cache     without
departures        27,004      27,004
look-ups         108,016     108,016
hits              98,451           -
absences           4,664           -
loads              4,901     108,016
hit ratio         95.5 %           -
time             0.250 s     4.000 s
speed-up          16.0 x
";
        assert_eq!(report().to_string(), expected);
    }
}
