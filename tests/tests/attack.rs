//! Facts that should hold and do not yet.
fn main() {}
