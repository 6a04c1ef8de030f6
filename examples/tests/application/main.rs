//! The application from outside: requests over loopback, and what is answered.
//!
//! How often the database was asked is read from `/stats`. Where a test needs requests to meet, it
//! keeps the database's connections to itself until they have: nothing sleeps, nothing is timed.

mod outages;
mod races;
mod reads;
mod refusals;
mod server;
mod writes;
