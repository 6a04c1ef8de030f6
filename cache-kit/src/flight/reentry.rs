//! A body that asks the cache for its own key must not wait for itself.

use crate::key::CacheKey;
use foldhash::HashSet;
use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static LOADING: Arc<Frame>;
}

/// Few keys are compared, many are looked up: a load of many may ask for each of them.
enum Keys {
    Few(Vec<CacheKey>),
    Many(HashSet<CacheKey>),
}

impl Keys {
    const FEW: usize = 8;

    fn new(keys: Vec<CacheKey>) -> Self {
        if keys.len() <= Self::FEW {
            Self::Few(keys)
        } else {
            Self::Many(keys.into_iter().collect())
        }
    }

    fn contains(&self, key: &CacheKey) -> bool {
        match self {
            Self::Few(keys) => keys.contains(key),
            Self::Many(keys) => keys.contains(key),
        }
    }
}

/// The keys that the current task is loading, from the innermost out.
pub(crate) struct Frame {
    service: usize,
    keys: Keys,
    outer: Option<Arc<Self>>,
}

impl Frame {
    /// Runs a load as the one of `keys` of a service.
    pub(crate) fn enter<F: Future>(
        service: usize,
        keys: Vec<CacheKey>,
        load: F,
    ) -> impl Future<Output = F::Output> {
        let outer = LOADING.try_with(Arc::clone).ok();
        LOADING.scope(
            Arc::new(Self {
                service,
                keys: Keys::new(keys),
                outer,
            }),
            load,
        )
    }

    /// Says whether the current task is loading this key already.
    pub(crate) fn is_loading(service: usize, key: &CacheKey) -> bool {
        LOADING
            .try_with(|frame| frame.holds(service, key))
            .unwrap_or(false)
    }

    fn holds(&self, service: usize, key: &CacheKey) -> bool {
        let is_here = self.service == service && self.keys.contains(key);
        is_here
            || self
                .outer
                .as_ref()
                .is_some_and(|outer| outer.holds(service, key))
    }
}
