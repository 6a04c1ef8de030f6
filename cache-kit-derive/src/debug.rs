//! `CACHE_KIT_DEBUG=1` prints what the macros write while a crate is built; `CACHE_KIT_DEBUG=find`
//! only where that is what is annotated.

use std::fmt::Write as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Prints an expansion, if somebody wants to see it, and passes it on.
pub(crate) fn shown(item: &TokenStream, expansion: TokenStream) -> TokenStream {
    if let Some(wanted) = std::env::var_os("CACHE_KIT_DEBUG")
        && (wanted == "1" || names(item, &wanted.to_string_lossy()))
    {
        let mut text = String::new();
        write_lines(&expansion, 0, &mut text);
        eprintln!("// cache-kit\n{}\n", text.trim());
    }
    expansion
}

/// Whether an item has this name somewhere outside of its bodies.
fn names(item: &TokenStream, name: &str) -> bool {
    item.clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(ident) if ident == name))
}

/// Writes tokens with a line for each statement, so that a person can read them; `rustfmt` does the
/// rest.
fn write_lines(tokens: &TokenStream, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    let mut line = TokenStream::new();
    let end = |line: &mut TokenStream, text: &mut String, last: &str| {
        let _ = writeln!(text, "{indent}{line}{last}");
        *line = TokenStream::new();
    };
    for token in tokens.clone() {
        match &token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                end(&mut line, text, " {");
                write_lines(&group.stream(), depth + 1, text);
                end(&mut line, text, "}");
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => end(&mut line, text, ";"),
            _ => line.extend([token]),
        }
    }
    if !line.is_empty() {
        end(&mut line, text, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn an_expansion_is_written_line_by_line() {
        let mut text = String::new();
        write_lines(
            &quote!(
                fn f() {
                    let a = 1;
                    g(a)
                }
            ),
            0,
            &mut text,
        );
        assert_eq!(text, "fn f () {\n    let a = 1;\n    g (a)\n}\n");
    }

    #[test]
    fn an_item_is_known_by_its_name() {
        let item = quote!(
            async fn find(&self) {
                other()
            }
        );
        assert!(names(&item, "find") && !names(&item, "other"));
    }
}
