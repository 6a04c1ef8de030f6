//! What a call costs beside its time: the size of its future, stack, and heap.
//!
//! A test target of its own: the counter of allocations replaces the global allocator. It counts
//! the current thread's allocations only, so that the runtimes here have one thread.

mod misses;
mod recursion;
mod sizes;
mod stampede;
