//! Private types in private modules, and types that only an ancestor sees.

#![deny(warnings, unreachable_pub)]

use cache_kit::prelude::*;

mod inner {
    use cache_kit::prelude::*;

    #[derive(Clone, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "secret", key = (realm, id))]
    struct Secret {
        realm: Realm,
        id: u64,
    }

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    struct Realm(String);

    impl cache_kit::KeyPart for Realm {
        fn write(&self, out: &mut cache_kit::KeyWriter) {
            out.push_part(&self.0);
        }

        fn parse(text: &str) -> Result<Self, cache_kit::ParseKeyError> {
            String::parse(text).map(Self)
        }
    }

    #[derive(Clone, Serialize, Deserialize, CacheEntity)]
    #[cache(prefix = "shared", key = id)]
    pub(super) struct Shared {
        pub(super) id: u64,
    }

    #[cached]
    async fn find(cache: &CacheService<InMemoryBackend>, realm: &Realm, id: u64) -> Secret {
        let realm = realm.clone();
        Secret { realm, id }
    }

    pub(super) async fn id(cache: &CacheService<InMemoryBackend>) -> u64 {
        let realm = Realm("a:b".to_owned());
        find(cache, &realm, 7).await.id
    }
}

#[cached]
async fn shared(cache: &CacheService<InMemoryBackend>, id: u64) -> Option<inner::Shared> {
    Some(inner::Shared { id })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = CacheService::new(InMemoryBackend::new());
    assert_eq!(inner::id(&cache).await, 7);
    assert_eq!(shared(&cache, 8).await.unwrap().id, 8);
}
