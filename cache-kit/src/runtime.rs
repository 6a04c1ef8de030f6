//! What is needed beside the cache itself: time, timers, chance, and tasks that nobody waits for.

pub(crate) mod background;
pub(crate) mod clock;
pub(crate) mod random;
pub(crate) mod timer;
