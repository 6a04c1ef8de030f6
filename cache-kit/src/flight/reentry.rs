//! A body that asks the cache for its own key must not wait for itself.

use crate::key::CacheKey;
use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static LOADING: Arc<Frame>;
}

/// The keys that the current task is loading, from the innermost out.
pub(crate) struct Frame {
    service: usize,
    keys: Vec<CacheKey>,
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
                keys,
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
