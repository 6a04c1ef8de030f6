//! Fields, parameters and functions named by keywords.

use cache_kit::prelude::*;

#[derive(Clone, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "flight", key = (r#type, number))]
struct Flight {
    r#type: String,
    number: u16,
}

struct Flights {
    cache: CacheService<InMemoryBackend>,
}

impl Flights {
    #[cached]
    async fn r#match(&self, r#type: &str, number: u16) -> Option<Flight> {
        Some(Flight {
            r#type: r#type.to_owned(),
            number,
        })
    }

    #[cached(key = (r#type = kind, number))]
    async fn find(&self, kind: &str, number: u16) -> Option<Flight> {
        Some(Flight {
            r#type: kind.to_lowercase(),
            number,
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let flights = Flights {
        cache: CacheService::new(InMemoryBackend::new()),
    };
    assert_eq!(flights.r#match("AB", 7).await.unwrap().r#type, "AB");
    assert_eq!(flights.find("AB", 7).await.unwrap().r#type, "AB");
    assert_eq!(FlightKey::new("AB", 7).r#type, "AB");
}
