//! One file per behaviour.

mod strategies;
