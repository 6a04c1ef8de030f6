//! The user's body inside generated code.

use proc_macro2::{Group, Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use crate::blame::{Extent, at};
use crate::signature::Shell;

/// The body as an `async move` block of the function's output.
pub(crate) fn async_block(shell: &Shell, output: &Type) -> TokenStream {
    let block = typed_block(shell, &shell.block.stream(), output);
    // Where the body stands: a future that is not `Send` is blamed there.
    let keywords = at(shell.block.span(), quote!(async move));
    quote!(#keywords #block)
}

/// Statements as a block of the function's output.
///
/// The unreachable `return` at its start gives the block its type, so that `?`, `return` and the
/// last expression are checked, and blamed, as in the unannotated function.
pub(crate) fn typed_block(shell: &Shell, statements: &TokenStream, output: &Type) -> Group {
    // At the return type, so that a mismatch names it as its reason.
    let ret = Ident::new("__cache_kit_ret", Extent::of(output).first);
    // expands to:
    //     {
    //         if let Some(ret) = None::<Ret> { return ret; }
    //         <the user's statements>
    //     }
    let stream = quote! {
        if let ::core::option::Option::Some(#ret) = ::core::option::Option::None::<#output> {
            #[allow(unreachable_code)]
            return #ret;
        }
        #statements
    };
    let mut block = Group::new(shell.block.delimiter(), stream);
    block.set_span(shell.block.span());
    block
}

/// `K::EntityOf<Ret>`, all of it at the return type: what cannot be cached is blamed there, once.
pub(crate) fn entity_of(output: &Type, private: &TokenStream) -> TokenStream {
    let Extent { first, last } = Extent::of(output);
    let private = at(first, private.clone());
    let open = quote_spanned!(first=> #private::EntityOf<);
    let close = quote_spanned!(last=> >);
    quote!(#open #output #close)
}

/// `<Ret as K::CachedOutput>::from_payload`, all of it at the return type: what cannot be cached is
/// blamed there.
pub(crate) fn check_output(
    output: &Type,
    member: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let Extent { first, last } = Extent::of(output);
    let (open, private) = (quote_spanned!(first=> <), at(first, private.clone()));
    let member = at(last, member.clone());
    let close = quote_spanned!(last=> as #private::#member);
    quote!(let _ = #open #output #close;)
}

/// Statements that bind the methods of an output; what cannot be cached has some as well, so that
/// nothing is blamed on it twice.
pub(crate) fn outcome_of(output: &Type, private: &TokenStream, outcome: &Ident) -> TokenStream {
    // expands to:
    //     let _ = <Ret as K::CachedOutput>::from_payload;
    //     let outcome = {
    //         use K::{OutcomeNone as _, OutcomeOf as _};
    //         (&&K::Returns::<Ret>::new()).methods()
    //     };
    let check = check_output(output, &quote!(CachedOutput > ::from_payload), private);
    quote! {
        #check
        let #outcome = {
            #[allow(unused_imports)]
            use #private::{OutcomeNone as _, OutcomeOf as _};
            (&&#private::Returns::<#output>::new()).methods()
        };
    }
}
