//! What a call does with the cache.

/// Says how a read uses the cache.
///
/// | strategy | fresh hit | miss | stores? |
/// | --- | --- | --- | --- |
/// | `Refresh` | returns it | loads | yes |
/// | `Fresh` | returns it | [`CacheMiss`](crate::Error::CacheMiss), never loads | no |
/// | `Invalidate` | ignores it: invalidates, loads | loads | yes |
/// | `Bypass` | ignores it: loads | loads | no, and leaves the entry alone |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheStrategy {
    /// Returns what is cached, else loads and stores it.
    #[default]
    Refresh,
    /// Returns only what is cached; never asks the repository.
    Fresh,
    /// Drops what is cached, then loads and stores.
    Invalidate,
    /// Loads without touching the cache.
    Bypass,
}
