use cache_kit::prelude::*;
use std::sync::{Arc, Mutex};

/// Remembers the names of all events, in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RecordingMetrics(Arc<Mutex<Vec<String>>>);

impl RecordingMetrics {
    /// Takes what has been recorded since the last time.
    ///
    /// # Panics
    /// If another test thread panicked here.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl CacheMetrics for RecordingMetrics {
    fn record(&self, event: &CacheEvent<'_>) {
        // Of the store, not of a call.
        if let CacheEvent::Up { .. } | CacheEvent::Down { .. } = event {
            return;
        }
        self.0.lock().expect("no panic").push(name_of(event));
    }
}

fn name_of(event: &CacheEvent<'_>) -> String {
    match event {
        CacheEvent::Hit { .. } => "hit".to_owned(),
        CacheEvent::AbsentHit { .. } => "absent-hit".to_owned(),
        CacheEvent::StaleHit { .. } => "stale-hit".to_owned(),
        CacheEvent::Refresh { .. } => "refresh".to_owned(),
        CacheEvent::StandIn { .. } => "stand-in".to_owned(),
        CacheEvent::Miss { .. } => "miss".to_owned(),
        CacheEvent::Coalesced { .. } => "coalesced".to_owned(),
        CacheEvent::Load { outcome, .. } => format!("load:{outcome:?}").to_lowercase(),
        CacheEvent::Fill { .. } => "fill".to_owned(),
        CacheEvent::SupersededFill { .. } => "superseded-fill".to_owned(),
        CacheEvent::Put { .. } => "put".to_owned(),
        CacheEvent::Invalidation { source, .. } => {
            format!("invalidation:{source:?}").to_lowercase()
        }
        CacheEvent::Eviction { cause, .. } => format!("eviction:{cause}"),
        CacheEvent::DecodeFailure { reason, .. } => format!("decode-failure:{reason}"),
        CacheEvent::Failure { operation, .. } => format!("failure:{operation:?}").to_lowercase(),
        other => format!("{other:?}"),
    }
}

/// Names events for comparison.
#[must_use]
pub fn event_names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
