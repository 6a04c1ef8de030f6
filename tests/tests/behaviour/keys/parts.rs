//! What may be part of a key, and its one spelling.

use cache_kit::KeyPart;
use cache_kit::prelude::*;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

#[test]
fn parts_of_other_crates_are_read_back_and_have_one_spelling() {
    round_trip(
        &uuid::Uuid::from_u128(0x0123_4567_89AB_CDEF),
        "00000000-0000-0000-0123-456789abcdef",
    );
    assert!(uuid::Uuid::parse("00000000-0000-0000-0123-456789ABCDEF").is_err());
    assert!(uuid::Uuid::parse("{00000000-0000-0000-0123-456789abcdef}").is_err());
    let date = chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    round_trip(&date, "2024-02-29");
    assert!(chrono::NaiveDate::parse("2024-2-29").is_err());
    round_trip(&chrono::NaiveDate::MIN, "-262143-01-01");
    round_trip(
        &date.and_hms_micro_opt(23, 59, 59, 7).unwrap(),
        "2024-02-29T23%3A59%3A59.000007",
    );
    round_trip(
        &date.and_hms_opt(1, 2, 3).unwrap().and_utc(),
        "2024-02-29T01%3A02%3A03",
    );
    round_trip(&date.and_hms_opt(1, 2, 3).unwrap().time(), "01%3A02%3A03");
    round_trip(
        &chrono::NaiveDateTime::MAX,
        "+262142-12-31T23%3A59%3A59.999999999",
    );
}

#[test]
fn parts_of_the_standard_library_are_read_back() {
    round_trip(&true, "true");
    round_trip(&':', "%3A");
    round_trip(&'é', "é");
    round_trip(&u128::MAX, "340282366920938463463374607431768211455");
    round_trip(&i8::MIN, "-128");
    round_trip(&std::num::NonZeroU8::MAX, "255");
    round_trip(&std::net::Ipv4Addr::LOCALHOST, "127.0.0.1");
    round_trip(
        &std::net::IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
        "%3A%3A1",
    );
    round_trip(&Arc::<str>::from("a b"), "a%20b");
    round_trip(&Cow::Borrowed(""), "");
}

fn round_trip<P: KeyPart + PartialEq + fmt::Debug>(part: &P, text: &str) {
    struct Shown<'a, P>(&'a P);
    impl<P: KeyPart> fmt::Display for Shown<'_, P> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            cache_kit::private::fmt_key(self.0, f)
        }
    }
    assert_eq!(Shown(part).to_string(), text);
    assert_eq!(P::parse(text).as_ref(), Ok(part));
}

/// An entity with key parts of other crates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "visit", key = (id, day))]
struct Visit {
    id: uuid::Uuid,
    day: chrono::NaiveDate,
}

#[test]
fn entities_may_have_parts_of_other_crates() {
    let key = VisitKey::new(uuid::Uuid::nil(), chrono::NaiveDate::MAX);
    let text = "00000000-0000-0000-0000-000000000000:+262142-12-31";
    assert_eq!(key.to_string(), text);
    assert_eq!(text.parse(), Ok(key.clone()));
    assert_eq!(
        serde_json::from_str::<VisitKey>(&serde_json::to_string(&key).unwrap()).unwrap(),
        key
    );
}
