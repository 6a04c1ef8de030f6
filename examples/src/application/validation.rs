//! What a draft must be like. All its faults are told at once.

use chrono::{Datelike as _, Utc};
use serde::Serialize;

use super::error::{Error, Result};
use super::model::{BorrowerDraft, EmploymentDraft};

/// The longest name of a person or employer, in characters.
const LONGEST_NAME: usize = 200;

/// The first year anyone may have been employed in.
const FIRST_YEAR: i32 = 1950;

/// Says what is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The field, as the client spells it.
    pub field: &'static str,
    /// What it must be.
    pub message: &'static str,
}

/// Trims a borrower, and checks what is left.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub fn borrower(draft: &BorrowerDraft) -> Result<BorrowerDraft> {
    let name = draft.name.trim().to_owned();
    let email = draft.email.trim().to_owned();
    let mut faults = Faults::default();
    faults.require(is_name(&name), "name", "must have 1 to 200 characters");
    faults.require(is_email(&email), "email", "must be an email address");
    faults.none_or(BorrowerDraft { name, email })
}

/// Trims an employment, and checks what is left.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub fn employment(year: i32, draft: &EmploymentDraft) -> Result<EmploymentDraft> {
    let employer = draft.employer.trim().to_owned();
    let salary_cents = draft.salary_cents;
    let years = FIRST_YEAR..=Utc::now().year();
    let mut faults = Faults::default();
    faults.require(years.contains(&year), "year", "must be from 1950 to now");
    faults.require(
        is_name(&employer),
        "employer",
        "must have 1 to 200 characters",
    );
    faults.require(salary_cents >= 0, "salary_cents", "must be 0 or more");
    faults.none_or(EmploymentDraft {
        employer,
        salary_cents,
    })
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count())
}

/// Says whether mail can be sent there at all; whether it arrives, only the mail can tell.
fn is_email(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace());
    text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| is_part(local) && is_part(domain))
}

/// Collects faults.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn require(&mut self, holds: bool, field: &'static str, message: &'static str) {
        if !holds {
            self.0.push(Fault { field, message });
        }
    }

    fn none_or<T>(self, checked: T) -> Result<T> {
        if self.0.is_empty() {
            Ok(checked)
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}
