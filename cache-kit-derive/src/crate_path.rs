//! Where the runtime is found.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Ident, Path};

use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, peel_expr, text_of};

/// The absolute path of the `cache-kit` crate, from `crate = ::path`.
#[derive(Debug, Clone)]
pub(crate) struct CratePath(Path);

impl CratePath {
    /// Takes the path that was written, else `::cache_kit`.
    pub(crate) fn from_setting(
        setting: Option<&Setting<Expr>>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        setting
            .and_then(|setting| Self::checked(&setting.value, diagnostics))
            .unwrap_or_default()
    }

    fn checked(value: &Expr, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Expr::Path(written) = peel_expr(value) else {
            let text = text_of(value);
            diagnostics.report(value, messages::crate_not_a_path(text.as_deref()));
            return None;
        };
        let path = &written.path;
        let is_absolute = path.leading_colon.is_some() || path.segments[0].ident == "crate";
        if !is_absolute {
            diagnostics.report(path, messages::crate_relative(path));
            return None;
        }
        Some(Self(path.clone()))
    }

    /// The name of the runtime's item that a path leads to, if it is one that is exported at its
    /// root.
    pub(crate) fn item<'p>(&self, path: &'p Path) -> Option<&'p Ident> {
        let Self(krate) = self;
        let mut names = path.segments.iter().map(|segment| &segment.ident);
        let item = names.next_back()?;
        let is_root = names.eq(krate.segments.iter().map(|segment| &segment.ident));
        is_root.then_some(item)
    }

    /// The path itself.
    pub(crate) fn root(&self) -> TokenStream {
        self.0.to_token_stream()
    }

    /// The module whose names generated code may use.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(path) = self;
        quote!(#path::private)
    }

    /// The path of serde, as `#[serde(crate = "…")]` wants it.
    pub(crate) fn serde(&self) -> String {
        let path = self.0.to_token_stream().to_string().replace(' ', "");
        format!("{path}::private::serde")
    }
}

impl Default for CratePath {
    fn default() -> Self {
        Self(syn::parse_quote!(::cache_kit))
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn path_of(value: Expr) -> Result<String, Vec<String>> {
        let mut diagnostics = Diagnostics::new();
        let setting = Setting {
            name: parse_quote!(krate),
            value,
        };
        let path = CratePath::from_setting(Some(&setting), &mut diagnostics);
        diagnostics
            .finish(Some(path.serde()))
            .map_err(|faults| faults.messages())
    }

    #[test]
    fn absolute_paths_are_taken() {
        let serde = |path| Ok(format!("{path}::private::serde"));
        assert_eq!(path_of(parse_quote!(::kit)), serde("::kit"));
        assert_eq!(path_of(parse_quote!(crate::kit)), serde("crate::kit"));
    }

    #[test]
    fn other_paths_are_refused() {
        assert_eq!(
            path_of(parse_quote!(kit)).unwrap_err(),
            ["`crate` path must be absolute; write `crate = ::kit`"]
        );
        assert_eq!(
            path_of(parse_quote!("kit")).unwrap_err(),
            ["`crate` is a path; write `crate = ::kit`"]
        );
    }
}
