//! Keys of any size, and one that cannot be displayed.

use super::{assert_goes_on, byte_cache, cache};
use cache_kit::Error;
use cache_kit::prelude::*;
use cache_kit_tests::{Hermit, Shy, soon};

/// An entity with a key of any text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheEntity)]
#[cache(prefix = "word", key = text)]
struct Word {
    text: String,
}

#[tokio::test]
async fn an_empty_key_and_one_of_ten_megabytes_are_keys_like_others() {
    async fn assert_all_kept<B: CacheBackend>(cache: &CacheService<B>) {
        let huge = "k".repeat(10 << 20);
        let words =
            [String::new(), huge.clone(), huge + "k", "\0:%".into()].map(|text| Word { text });
        for word in &words {
            cache.put(word.clone()).await.unwrap();
        }
        for word in &words {
            assert!(cache.get::<Word>(&word.text).await.unwrap().as_deref() == Some(word));
        }
        cache.invalidate::<Word>(&words[1].text).await.unwrap();
        let found = cache.get_many::<Word>(&words.map(|word| word.text)).await;
        assert_eq!(found.map_some(), [true, false, true, true]);
        assert_goes_on(cache).await;
    }
    soon(assert_all_kept(&cache())).await;
    soon(assert_all_kept(&byte_cache())).await;
}

trait MapSome {
    fn map_some(&self) -> Vec<bool>;
}

impl<T> MapSome for Vec<cache_kit::Result<Option<T>>> {
    fn map_some(&self) -> Vec<bool> {
        self.iter()
            .map(|found| found.as_ref().is_ok_and(Option::is_some))
            .collect()
    }
}

struct Hermits<B: CacheBackend> {
    cache: CacheService<B>,
}

impl<B: CacheBackend> Hermits<B> {
    #[cached]
    async fn find(&self, key: &Shy) -> Result<Hermit, u8> {
        Ok(Hermit(key.clone()))
    }

    #[cache_put]
    async fn save(&self, hermit: Hermit) -> Result<Hermit, u8> {
        Ok(hermit)
    }

    #[cache_evict(entity = Hermit)]
    async fn remove(&self, key: &Shy) -> Result<(), u8> {
        let _ = key;
        Ok(())
    }
}

async fn assert_shy_is_uncached<B: CacheBackend>(cache: CacheService<B>) {
    let (shy, good) = (Shy(3), Shy(2));
    let hermits = Hermits { cache };
    let cache = &hermits.cache;
    hermits.find(&good).await.unwrap();
    let errors = [
        cache.get::<Hermit>(&shy).await.map(drop),
        cache
            .get_or_load(&shy, || async { Ok::<_, Error>(Some(Hermit(shy.clone()))) })
            .await
            .map(drop),
        cache.put(Hermit(shy.clone())).await,
        cache.invalidate::<Hermit>(&shy).await,
        cache
            .get_many::<Hermit>(std::slice::from_ref(&shy))
            .await
            .remove(0)
            .map(drop),
    ];
    for error in errors {
        assert!(matches!(error, Err(Error::ConfigError(_))), "{error:?}");
    }
    assert_eq!(hermits.find(&shy).await, Ok(Hermit(shy.clone())));
    assert_eq!(
        hermits.save(Hermit(shy.clone())).await,
        Ok(Hermit(shy.clone()))
    );
    assert_eq!(hermits.remove(&shy).await, Ok(()));
    let kept = cache.get::<Hermit>(&good).await.unwrap();
    assert_eq!(
        kept.as_deref(),
        Some(&Hermit(good)),
        "its text is the beginning of the other's"
    );
    assert_eq!(cache.stats().entries, Some(1));
    assert_goes_on(cache).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_displayed_is_an_error_or_goes_uncached() {
    assert_shy_is_uncached(cache()).await;
    assert_shy_is_uncached(byte_cache()).await;
}
