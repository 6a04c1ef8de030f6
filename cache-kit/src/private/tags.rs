//! Texts of tags, from fields and arguments.

use std::fmt::{Display, Write as _};

/// Can be part of a tag.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a tag",
    label = "does not implement `Display`",
    note = "a place is a field or a parameter that implements `Display`; an `Option` does not"
)]
pub trait TagPart {
    fn push_to(&self, tag: &mut String);
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> TagPart for T {
    fn push_to(&self, tag: &mut String) {
        // Writing to a string does not fail; a `Display` that does is the end of its own text.
        let _ = write!(tag, "{self}");
    }
}
