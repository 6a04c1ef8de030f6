//! Room to build entries in, used again and again.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

/// A buffer that has become larger is given back: one huge value must not hold its memory for ever.
const KEPT: usize = 1 << 20;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// This thread's buffer, until it is dropped. Who asks for it again meanwhile (a user's `Serialize`
/// may do anything) gets another one.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// Takes the buffer, empty.
    pub(super) fn lend() -> Self {
        // A thread that is ending has none.
        Self(BUFFER.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.capacity() <= KEPT {
            self.clear();
            let _ = BUFFER.try_with(|kept| kept.set(mem::take(self)));
        }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        Buffer::lend().capacity()
    }

    #[test]
    fn what_was_lent_is_lent_again_and_empty() {
        Buffer::lend().extend([7; 100]);
        assert!(kept() >= 100);
        assert!(Buffer::lend().is_empty());
    }

    #[test]
    fn who_asks_meanwhile_gets_another() {
        let mut outer = Buffer::lend();
        outer.extend(b"outer");
        let mut inner = Buffer::lend();
        assert!(inner.is_empty());
        inner.extend(b"inner");
        drop(inner);
        assert_eq!(**outer, *b"outer");
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let panicked = std::panic::catch_unwind(|| {
            Buffer::lend().extend(b"half a value");
            panic!("in a user's code");
        });
        assert!(panicked.is_err());
        assert!(Buffer::lend().is_empty());
    }

    #[test]
    fn a_huge_buffer_is_not_kept() {
        Buffer::lend().reserve(KEPT + 1);
        assert_eq!(kept(), 0);
        Buffer::lend().reserve(KEPT / 2);
        assert!(kept() >= KEPT / 2);
    }
}
