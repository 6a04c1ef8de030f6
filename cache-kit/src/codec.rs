//! How an entity becomes bytes.

pub(crate) mod bincode;
