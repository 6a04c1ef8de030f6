//! How a row becomes an entity: what `#[derive(sqlx::FromRow)]` would write, without building
//! sqlx's macros.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use super::model::{Airline, Airport, Plane, Weather};

impl FromRow<'_, SqliteRow> for Plane {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            tailnum: row.try_get("tailnum")?,
            year: row.try_get("year")?,
            kind: row.try_get("type")?,
            manufacturer: row.try_get("manufacturer")?,
            model: row.try_get("model")?,
            engines: row.try_get("engines")?,
            seats: row.try_get("seats")?,
            speed: row.try_get("speed")?,
            engine: row.try_get("engine")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Airport {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            faa: row.try_get("faa")?,
            name: row.try_get("name")?,
            lat: row.try_get("lat")?,
            lon: row.try_get("lon")?,
            alt: row.try_get("alt")?,
            tz: row.try_get("tz")?,
            dst: row.try_get("dst")?,
            tzone: row.try_get("tzone")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Airline {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            carrier: row.try_get("carrier")?,
            name: row.try_get("name")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Weather {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            origin: row.try_get("origin")?,
            time_hour: row.try_get("time_hour")?,
            temp: row.try_get("temp")?,
            humid: row.try_get("humid")?,
            wind_dir: row.try_get("wind_dir")?,
            wind_speed: row.try_get("wind_speed")?,
            precip: row.try_get("precip")?,
            visib: row.try_get("visib")?,
        })
    }
}
