//! Keys whose load has failed not long ago: who has something stale is served with that, and does
//! not ask again yet.

use crate::key::CacheKey;
use foldhash::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The keys that are not to be asked for, and until when.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<CacheKey, Instant>>);

impl Throttle {
    /// So many keys are remembered; of more, those that are over are forgotten, then all.
    const MOST: usize = 65_536;

    /// Keeps a key from being asked for.
    pub(crate) fn hold(&self, key: &CacheKey, interval: Duration) {
        let now = Instant::now();
        let Some(until) = now.checked_add(interval).filter(|until| *until > now) else {
            return;
        };
        let mut held = self.lock();
        if held.len() >= Self::MOST && !held.contains_key(key) {
            held.retain(|_, until| *until > now);
            if held.len() >= Self::MOST {
                held.clear();
            }
        }
        held.insert(key.clone(), until);
    }

    /// Says whether a key is not to be asked for yet.
    pub(crate) fn holds(&self, key: &CacheKey) -> bool {
        let mut held = self.lock();
        match held.get(key) {
            Some(until) if *until > Instant::now() => true,
            Some(_) => {
                held.remove(key);
                false
            }
            None => false,
        }
    }

    /// Says that a key can be asked for again.
    pub(crate) fn release(&self, key: &CacheKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CacheKey, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> CacheKey {
        let mut writer = crate::key::KeyWriter::new(None, "user");
        writer.push(&number.to_string());
        writer.to_key().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_held_for_its_interval() {
        let throttle = Throttle::default();
        throttle.hold(&key(1), Duration::from_secs(5));
        tokio::time::advance(Duration::from_millis(4999)).await;
        assert!(throttle.holds(&key(1)) && !throttle.holds(&key(2)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!throttle.holds(&key(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_released_is_not_held() {
        let throttle = Throttle::default();
        throttle.hold(&key(1), Duration::MAX);
        throttle.hold(&key(2), Duration::ZERO);
        throttle.hold(&key(3), Duration::from_secs(5));
        throttle.release(&key(3));
        assert!((1..=3).all(|number| !throttle.holds(&key(number))));
    }

    #[tokio::test(start_paused = true)]
    async fn not_more_keys_are_remembered_than_there_is_room_for() {
        let throttle = Throttle::default();
        for number in 0..Throttle::MOST {
            throttle.hold(&key(number), Duration::from_secs(5));
        }
        throttle.hold(&key(0), Duration::from_secs(9));
        assert!(throttle.holds(&key(1)));
        tokio::time::advance(Duration::from_secs(6)).await;
        throttle.hold(&key(Throttle::MOST), Duration::from_secs(5));
        assert!(throttle.holds(&key(0)) && throttle.holds(&key(Throttle::MOST)));
        assert_eq!(throttle.lock().len(), 2);
        for number in 0..=Throttle::MOST {
            throttle.hold(&key(number), Duration::from_secs(5));
        }
        assert!(throttle.lock().len() <= Throttle::MOST);
    }
}
