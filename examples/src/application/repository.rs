//! SQL and annotations, and nothing else: which rows there are, and which entries they make untrue.
//!
//! Writes return the row as the database has it now (`returning *`), so that what is put into the
//! cache is what a load would bring. The error is `Clone`: whoever waited for a load that fails is
//! told so, and does not ask the database again.

mod borrowers;
mod employments;

pub use borrowers::BorrowerRepository;
pub use employments::EmploymentRepository;
