//! What the examples of cache-kit are made of.

pub mod application;
pub mod patterns;
pub mod quickstart;
pub mod redis;
