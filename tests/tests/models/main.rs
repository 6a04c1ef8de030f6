//! The cores of the runtime, explored by shuttle: every interleaving of the small models, many
//! thousands of the larger ones.
//!
//! Each core is the very file of the runtime, compiled with shuttle's locks in place of the
//! standard library's.

mod fill_protocol;
mod flights;
