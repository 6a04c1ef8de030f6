//! DESIGN §4.6: what names an entry is readable and injective.

mod arguments;
mod impossible;
mod parts;

use cache_kit::ParseKeyError;
use cache_kit::prelude::*;
use proptest::prelude::*;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// An entity whose key has every kind of part that can go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "triple", key = (a, b, n))]
struct Triple {
    a: String,
    b: String,
    n: i64,
}

fn text_of(key: &TripleKey) -> String {
    let key = CacheKey::of::<Triple>(None, key).expect("a key");
    key.as_str().to_owned()
}

/// Text that runs into its neighbours, hides, or is very long.
fn part() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        ':', '%', '3', 'A', ' ', '\t', '\n', '\0', '\u{7f}', '\u{85}', '\u{a0}', '\u{2003}',
        '\u{2028}', '\u{3000}', '~', 'é', '日', '🦀',
    ]);
    prop_oneof![
        prop::collection::vec(awkward.clone(), 0..6).prop_map(String::from_iter),
        any::<String>(),
        (awkward, 440_usize..530, "[a-c]{0,2}").prop_map(|(c, len, end)| {
            let len = len
                / c.len_utf8()
                / if c.is_ascii_graphic() && c != ':' && c != '%' {
                    1
                } else {
                    3
                };
            String::from(c).repeat(len) + &end
        }),
    ]
}

fn key() -> impl Strategy<Value = TripleKey> {
    (part(), part(), prop_oneof![any::<i64>(), -1_i64..=1]).prop_map(TripleKey::from)
}

/// Two keys that differ only in where one part ends, if at all.
fn neighbours() -> impl Strategy<Value = (TripleKey, TripleKey)> {
    let cuts = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (part(), cuts).prop_map(|(text, (first, second))| {
        let chars: Vec<char> = text.chars().collect();
        let cut = |at: prop::sample::Index| {
            let (a, b) = chars.split_at(at.index(chars.len() + 1));
            TripleKey::new(String::from_iter(a), String::from_iter(b), 1)
        };
        (cut(first), cut(second))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn two_keys_never_have_one_text(x in key(), y in key()) {
        prop_assert_eq!(x == y, text_of(&x) == text_of(&y));
    }

    #[test]
    fn where_a_part_ends_is_part_of_the_key((x, y) in neighbours()) {
        prop_assert_eq!(x == y, text_of(&x) == text_of(&y), "{:?} {:?}", x, y);
    }

    #[test]
    fn long_keys_that_begin_alike_are_told_apart(len in 470_usize..600, x in "[a-c:%é]{0,3}", y in "[a-c:%é]{0,3}") {
        let key = |end: &str| TripleKey::new("x".repeat(len) + end, "", 0);
        prop_assert_eq!(x == y, text_of(&key(&x)) == text_of(&key(&y)));
    }

    #[test]
    fn a_key_is_read_back_from_what_it_displays(key in key()) {
        prop_assert_eq!(key.to_string().parse::<TripleKey>(), Ok(key.clone()));
    }

    #[test]
    fn a_key_survives_serde(key in key()) {
        let json = serde_json::to_string(&key).unwrap();
        prop_assert_eq!(serde_json::from_str::<TripleKey>(&json).unwrap(), key);
    }

    #[test]
    fn no_key_has_white_space_or_control_characters_or_is_long(key in key()) {
        let text = text_of(&key);
        prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control()), "{}", text);
        prop_assert!(text.len() <= 513, "{} bytes", text.len());
    }

    #[test]
    fn what_parses_is_what_was_written(text in "[ab%:0-9AFaf+ -]{0,6}:[ab%3A]{0,4}:[-+0-9]{0,3}") {
        if let Ok(key) = text.parse::<TripleKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }
}

#[test]
fn a_usual_key_reads_as_it_is_written() {
    assert_eq!(
        text_of(&TripleKey::new("ada", "EUR", -3)),
        "triple:ada:EUR:-3"
    );
    assert_eq!(
        text_of(&TripleKey::new("a:b", "50 %", 0)),
        "triple:a%3Ab:50%20%25:0"
    );
    assert_eq!(text_of(&TripleKey::new("日本", "", 1)), "triple:日本::1");
}

#[test]
fn a_namespace_stands_before_the_prefix_and_belongs_to_it() {
    let key = CacheKey::of::<Triple>(Some("app"), &TripleKey::new("a", "b", 1)).unwrap();
    assert_eq!(key.as_str(), "app:triple:a:b:1");
    assert_eq!(key.prefix(), "app:triple");
}

#[tokio::test]
async fn services_of_two_namespaces_share_a_backend_and_no_entry() {
    let backend = InMemoryBackend::new();
    let service = |name: &str| {
        CacheService::builder(backend.clone())
            .namespace(name)
            .build()
            .unwrap()
    };
    let (one, two) = (service("one"), service("two"));
    one.put(triple()).await.unwrap();
    assert!(
        one.get::<Triple>(&triple().cache_key())
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        two.get::<Triple>(&triple().cache_key())
            .await
            .unwrap()
            .is_none()
    );
    two.put(triple()).await.unwrap();
    two.clear_prefix::<Triple>().await.unwrap();
    assert!(
        one.get::<Triple>(&triple().cache_key())
            .await
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_key_of_512_bytes_is_kept_and_one_more_is_shortened_to_513() {
    let of_len = |len: usize| text_of(&TripleKey::new("x".repeat(len - "triple:::0".len()), "", 0));
    let kept = of_len(512);
    assert_eq!((kept.len(), &kept[500..]), (512, "xxxxxxxxx::0"));
    for len in [513, 514, 600, 5_000] {
        let shortened = of_len(len);
        assert_eq!(shortened.len(), 513);
        assert_eq!(shortened[..480], kept[..480]);
    }
}

#[test]
fn a_cut_through_a_character_leaves_text_of_one_length() {
    let texts: HashSet<_> = (0..8)
        .map(|shift| {
            text_of(&TripleKey::new(
                "x".repeat(shift) + &"🦀".repeat(200),
                "",
                0,
            ))
        })
        .collect();
    assert_eq!(texts.len(), 8);
    assert!(
        texts
            .iter()
            .all(|text| text.len() == 513 && text.starts_with("triple:"))
    );
}

#[test]
fn ten_megabytes_of_key_cost_little_and_collide_with_nothing() {
    let huge = "k".repeat(10 << 20);
    let begun = Instant::now();
    let text = text_of(&TripleKey::new(huge.clone(), "", 0));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let others = [
        text_of(&TripleKey::new(format!("{huge}k"), "", 0)),
        text_of(&TripleKey::new(&huge[1..], "", 0)),
        text_of(&TripleKey::new(huge.clone(), "k", 0)),
        text_of(&TripleKey::new(huge, "", 1)),
        // The shortened text itself, as a part.
        text_of(&TripleKey::new(
            text.strip_prefix("triple:").unwrap(),
            "",
            0,
        )),
    ];
    assert!(others.iter().all(|other| *other != text));
}

#[test]
fn text_that_no_key_has_is_refused() {
    assert!(
        "a:b:1".parse::<TripleKey>().is_ok(),
        "the others fail for their own reasons"
    );
    let wrong_number = ["", "a", "a:1", "a:b", "a:b:1:", "a:b:1:2", ":a:b:1"];
    let bad_percent = [
        "%:b:1", "%2:b:1", "%2g:b:1", "%+5:b:1", "%FF:b:1", "%C3:b:1", "a:b:1%",
    ];
    let another_spelling = ["%3a:b:1", "%41:b:1", "a b:c:1", "a\u{a0}:b:1", "%:b:1"];
    let no_such_number = [
        "a:b:",
        "a:b:x",
        "a:b:+1",
        "a:b:01",
        "a:b:-0",
        "a:b:1.0",
        "a:b:9223372036854775808",
    ];
    for text in [
        &wrong_number[..],
        &bad_percent,
        &another_spelling,
        &no_such_number,
    ]
    .concat()
    {
        assert!(text.parse::<TripleKey>().is_err(), "{text:?}");
    }
    let error: ParseKeyError = "a b".parse::<TripleKey>().unwrap_err();
    assert_eq!(error.to_string(), "`a b` is not a key of this kind");
}

fn triple() -> Triple {
    Triple {
        a: "x:y".into(),
        b: "% z".into(),
        n: 7,
    }
}

#[test]
fn a_newtype_is_a_part_like_what_it_wraps() {
    #[derive(Clone, Debug, PartialEq, cache_kit::KeyPart)]
    struct Number(u64);
    #[derive(Clone, Debug, PartialEq, cache_kit::KeyPart)]
    struct Named<T> {
        name: T,
    }
    assert_eq!(<Number as cache_kit::KeyPart>::parse("7"), Ok(Number(7)));
    assert!(<Number as cache_kit::KeyPart>::parse("007").is_err());
    let named = Named {
        name: "a:b".to_owned(),
    };
    assert_eq!(
        <Named<String> as cache_kit::KeyPart>::parse("a%3Ab"),
        Ok(named)
    );
}
