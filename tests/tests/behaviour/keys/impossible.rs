//! Keys that are too long, or cannot be displayed.

use cache_kit::prelude::*;
use cache_kit_tests::{Hermit, RepositoryError, Shy};

fn memory() -> CacheService<InMemoryBackend> {
    CacheService::new(InMemoryBackend::new())
}

/// By hand, as the guide writes it: `Display` of a `String` is the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    url: String,
}

impl CacheEntity for Page {
    type Key = String;
    fn cache_key(&self) -> String {
        self.url.clone()
    }
    fn cache_prefix() -> &'static str {
        "page"
    }
}

#[tokio::test]
async fn a_long_key_that_is_cut_within_a_character_is_found_again() {
    for shift in 0..4 {
        let page = Page {
            url: "x".repeat(shift) + &"é🦀".repeat(200),
        };
        let cache = memory();
        cache.put(page.clone()).await.unwrap();
        let found = cache.get::<Page>(&page.url).await.unwrap();
        assert!(found.as_deref() == Some(&page), "shift {shift}");
    }
}

/// Derived: the key is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "word", key = text)]
struct Word {
    text: String,
    meaning: u8,
}

struct Words {
    cache: CacheService<InMemoryBackend>,
}

impl Words {
    #[cached]
    async fn find(&self, text: &str) -> Word {
        Word {
            text: text.to_owned(),
            meaning: 1,
        }
    }

    #[cache_put]
    async fn save(&self, word: Word) -> Result<Word, RepositoryError> {
        let _ = word; // committed, and the acknowledgement lost
        Err(RepositoryError)
    }
}

#[tokio::test]
async fn a_failed_put_of_a_long_key_invalidates_the_entry_that_is_read() {
    for shift in 0..4 {
        let text = "x".repeat(shift) + &"é🦀".repeat(200);
        let words = Words { cache: memory() };
        words.find(&text).await;
        assert!(words.cache.get::<Word>(&text).await.unwrap().is_some());
        let meaning = 2;
        let written = Word {
            text: text.clone(),
            meaning,
        };
        words.save(written).await.unwrap_err();
        let left = words.cache.get::<Word>(&text).await.unwrap();
        assert!(left.is_none(), "shift {shift}: stale for ever");
    }
}

#[tokio::test]
async fn a_put_whose_key_cannot_be_displayed_leaves_other_entries_alone() {
    struct Hermits {
        cache: CacheService<InMemoryBackend>,
    }
    impl Hermits {
        #[cache_put]
        async fn save(&self, hermit: Hermit) -> Result<Hermit, u8> {
            Ok(hermit)
        }
    }
    let hermits = Hermits { cache: memory() };
    hermits.cache.put(Hermit(Shy(2))).await.unwrap();
    hermits.save(Hermit(Shy(3))).await.unwrap();
    assert!(
        hermits
            .cache
            .get::<Hermit>(&Shy(2))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_does_not_keep_the_others_from_being_invalidated() {
    let cache = memory();
    cache.put(Hermit(Shy(2))).await.unwrap();
    cache
        .invalidate_many::<Hermit>(&[Shy(3), Shy(2)])
        .await
        .unwrap_err();
    assert!(cache.get::<Hermit>(&Shy(2)).await.unwrap().is_none());
}
