//! What is written by hand: feeders and what runs them, repositories, and the registry of both.

pub(crate) mod expander;
pub(crate) mod feed;
pub(crate) mod registry;
pub(crate) mod repository;
