//! What is taken from the heap.
//!
//! A test target of its own: the counter replaces the global allocator. It counts the current
//! thread's allocations only.

mod entries;
mod hits;
#[expect(unreachable_pub, reason = "the fuzz targets name it")]
#[path = "../../fuzz/src/lib.rs"]
mod specimens;
