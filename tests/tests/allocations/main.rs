//! What is taken from the heap.
//!
//! A test target of its own: the counter replaces the global allocator. It counts the current thread's allocations only.

mod entries;
mod hits;
