//! The entities: what is cached, under which key, and for how long.

use cache_kit::prelude::*;

/// An aircraft. Many tail numbers are not on record, and that is remembered as well, for ten
/// minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "plane", ttl = "1h", key = tailnum, negative_ttl = "10m")]
pub struct Plane {
    /// The registration, such as `N14228`.
    pub tailnum: String,
    /// The year it was built, where known.
    pub year: Option<u16>,
    /// Its kind, such as `Rotorcraft`.
    pub kind: String,
    /// Who built it.
    pub manufacturer: String,
    /// The model, as its builder calls it.
    pub model: String,
    /// How many engines it has.
    pub engines: u8,
    /// How many seats it has.
    pub seats: u16,
    /// Its cruising speed in miles per hour, where known.
    pub speed: Option<u16>,
    /// The kind of its engines.
    pub engine: String,
}

/// An airport. A few destinations lie outside of the table (San Juan is one).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "airport", ttl = "1h", key = faa, negative_ttl = "10m")]
pub struct Airport {
    /// The code of the Federal Aviation Administration, such as `JFK`.
    pub faa: String,
    /// Its name.
    pub name: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Feet above the sea.
    pub alt: i32,
    /// Hours ahead of UTC, in winter.
    pub tz: i32,
    /// How it keeps summer time: `A`, `N` or `U`.
    pub dst: String,
    /// The name of its time zone, where known.
    pub tzone: Option<String>,
}

/// An airline. All of them are on record, so there is no absence to remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "airline", ttl = "1h", key = carrier)]
pub struct Airline {
    /// The two letters of its flights, such as `UA`.
    pub carrier: String,
    /// Its name.
    pub name: String,
}

/// The weather at an airport within an hour. Its key is a composite: where and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "weather", ttl = "1h", key = (origin, time_hour), negative_ttl = "10m")]
pub struct Weather {
    /// Where it was measured.
    pub origin: String,
    /// The hour it holds for, in UTC, such as `2013-01-01T10:00:00Z`.
    pub time_hour: String,
    /// Degrees Fahrenheit.
    pub temp: f64,
    /// Relative humidity in per cent.
    pub humid: f64,
    /// Where the wind comes from, in degrees; unknown in a calm.
    pub wind_dir: Option<u16>,
    /// The wind's speed in miles per hour.
    pub wind_speed: f64,
    /// Rain in inches.
    pub precip: f64,
    /// How far one sees, in miles.
    pub visib: f64,
}

/// A departure: not an entity, but what asks for all of them.
#[derive(Clone, Debug, Deserialize)]
pub struct Departure {
    /// The hour of departure, in UTC.
    pub time_hour: String,
    /// The airline.
    pub carrier: String,
    /// The plane; `NA` where nobody wrote it down, which no plane is called.
    pub tailnum: String,
    /// The airport it leaves.
    pub origin: String,
    /// The airport it flies to.
    pub dest: String,
}
