use cache_kit::prelude::*;
use std::fmt;

/// A key whose `Display` writes something and then fails, if it is odd.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shy(pub u64);

impl fmt::Display for Shy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shy-{}", self.0 / 2)?;
        if self.0.is_multiple_of(2) {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// An entity with such a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hermit(pub Shy);

impl CacheEntity for Hermit {
    type Key = Shy;

    fn cache_key(&self) -> Shy {
        self.0.clone()
    }

    fn cache_prefix() -> &'static str {
        "hermit"
    }
}
