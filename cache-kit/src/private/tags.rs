//! Texts of tags, from fields and arguments.

use std::fmt::{Display, Write as _};

/// Can be part of a tag.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a tag",
    label = "has no `Display`",
    note = "name a field or an argument that implements `Display`; of an `Option` there may be none"
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

pub fn push_tag<T: TagPart + ?Sized>(tag: &mut String, part: &T) {
    part.push_to(tag);
}
