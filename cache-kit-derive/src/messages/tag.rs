//! Messages about tags.

use super::{did_you_mean, with_help};

pub(crate) const TAGS_NOT_A_LIST: &str =
    "`tags` is a list of strings; write `tags = [\"employer:{employer}\"]`";
pub(crate) const TAG_NOT_A_STRING: &str = "a tag is a string; write `\"employer:{employer}\"`";
pub(crate) const NO_TAGS: &str = "`tags` names no tag; write `tags = [\"employer:{employer}\"]`";
pub(crate) const EMPTY_TAG: &str = "an empty tag names nothing; write `\"employer:{employer}\"`";
pub(crate) const ALL_OF_WHAT: &str = "`all` needs `entity = …`: whose entries are they";

pub(crate) const PREFIX_OF_ENTITY: &str =
    "`entity` has a prefix of its own; `prefix` is of a function that returns no entity";

pub(crate) fn nameless_place(example: Option<&String>) -> String {
    let example = example.map_or("id", String::as_str);
    format!("`{{}}` names nothing; write `{{{example}}}`")
}

pub(crate) fn formatted_place(name: &str) -> String {
    let name = if name.is_empty() { "id" } else { name };
    with_help(
        format!("a tag has no formats; write `{{{name}}}`"),
        "whoever drops it by hand writes the value as `Display` does",
    )
}

pub(crate) fn unclosed_place(text: &str) -> String {
    with_help(
        format!("`{text}` has a brace that is not closed, or not opened"),
        "a brace that is meant as such is written twice",
    )
}

pub(crate) fn unknown_place(missing: &str, name: &str, near: Option<&str>) -> String {
    did_you_mean(format!("{missing} `{name}`"), near)
}
