//! Collects every fault of an item, so that one compilation reports them all.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Faults of one item, in the order they were found.
///
/// Dropping it unread is a bug of the macro (a fault would be swallowed), so it panics.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
    is_read: bool,
}

impl Diagnostics {
    /// Starts without faults.
    pub(crate) fn new() -> Self {
        Self {
            errors: Vec::new(),
            is_read: false,
        }
    }

    /// Reports a fault that underlines all of `node`.
    pub(crate) fn report(&mut self, node: impl ToTokens, message: impl Display) {
        self.errors.push(syn::Error::new_spanned(node, message));
    }

    /// Reports a fault at one span.
    pub(crate) fn report_at(&mut self, span: Span, message: impl Display) {
        self.errors.push(syn::Error::new(span, message));
    }

    /// Takes the value out of a result and keeps its error.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// Closes the collection: the value if nothing was reported, else every fault.
    ///
    /// # Panics
    ///
    /// When there is neither a value nor a fault: a check then failed without saying why.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Faults> {
        self.is_read = true;
        let errors = std::mem::take(&mut self.errors);
        if errors.is_empty() {
            Ok(value.expect("a check failed without a message"))
        } else {
            Err(Faults(errors))
        }
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        // A second panic while unwinding would abort the compiler and hide the first.
        let is_excused = self.is_read || std::thread::panicking();
        assert!(is_excused, "diagnostics dropped unread");
    }
}

/// At least one fault, ready to be shown.
#[derive(Debug)]
pub(crate) struct Faults(Vec<syn::Error>);

impl Faults {
    /// One `compile_error!` per fault.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }

    /// The messages, in order.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl From<syn::Error> for Faults {
    fn from(error: syn::Error) -> Self {
        Self(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_kept_in_order() {
        let mut diagnostics = Diagnostics::new();
        diagnostics.report_at(Span::call_site(), "first");
        diagnostics.report_at(Span::call_site(), "second");
        let faults = diagnostics.finish(Some(())).unwrap_err();
        assert_eq!(faults.messages(), ["first", "second"]);
    }

    #[test]
    #[should_panic(expected = "diagnostics dropped unread")]
    fn dropping_unread_panics() {
        drop(Diagnostics::new());
    }
}
