//! Being sent on: a slot has another node than was known.

use super::super::config::Address;
use super::super::wire::is_refusal;
use redis::{Cmd, ServerErrorKind, Value};

/// Where a request has to go instead.
pub(super) struct Redirect {
    pub(super) index: usize,
    pub(super) address: Address,
    pub(super) cmd: Cmd,
    /// The slot is on its way there, and the node takes only who says that it was sent.
    pub(super) is_ask: bool,
}

/// Reads where a refusal sends the request, and whether that is for once.
pub(super) fn redirect_of(value: &Value, from: &Address) -> Option<(Address, bool)> {
    let is_ask = is_refusal(value, ServerErrorKind::Ask);
    if !is_ask && !is_refusal(value, ServerErrorKind::Moved) {
        return None;
    }
    let Value::ServerError(error) = value else {
        return None;
    };
    let (_, address) = error.details()?.split_once(' ')?;
    let (host, port) = address.trim().rsplit_once(':')?;
    let host = match (host, from) {
        // The one that answered.
        ("" | "?", Address::Tcp(host, _)) => host.as_str(),
        (host, _) => host,
    };
    Some((Address::Tcp(host.to_owned(), port.parse().ok()?), is_ask))
}
