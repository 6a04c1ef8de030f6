//! Many keys in one call: by hand, declared, by `load_many`, and where it goes wrong.

mod by_hand;
mod declared;
mod faults;
mod load_many;
