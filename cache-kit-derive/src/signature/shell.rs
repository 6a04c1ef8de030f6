//! How the body of a function is packed.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{GenericArgument, PathArguments, ReturnType, Signature, Type, TypeParamBound};

use super::output::{first_generic, last_segment, peel_type};

/// A function's output and body, with the wrapping that its body came in.
#[derive(Debug)]
pub(crate) struct Shell {
    /// What the future yields; `None` where an `async fn` names none.
    pub(crate) output: Option<Type>,
    /// The user's own statements.
    pub(crate) block: Group,
    wrapping: Wrapping,
}

#[derive(Debug)]
enum Wrapping {
    /// `async fn f() -> T { … }`
    AsyncFn,
    /// `fn f() -> T { … }`
    Fn,
    /// `fn f() -> impl Future<Output = T> { async move { … } }`
    Future { keywords: TokenStream },
    /// `fn f() -> Pin<Box<dyn Future<Output = T>>> { before Box::pin(async move { … }) }`, as
    /// `async_trait` leaves it
    Boxed {
        before: TokenStream,
        parens: Span,
        keywords: TokenStream,
    },
}

impl Shell {
    /// Recognises the three forms.
    pub(super) fn from_syn(sig: &Signature, body: &Group) -> Option<Self> {
        if sig.asyncness.is_some() {
            return Some(Self::plain(sig, body, Wrapping::AsyncFn));
        }
        match future_of(sig)? {
            (output, false) => Self::future(output, body),
            (output, true) => Self::boxed(output, body),
        }
    }

    /// Takes a function for one that does not wait, unless it returns a future.
    pub(super) fn of_sync(sig: &Signature, body: &Group) -> Option<Self> {
        let is_sync = future_of(sig).is_none();
        is_sync.then(|| Self::plain(sig, body, Wrapping::Fn))
    }

    /// A function whose body stands in it as it is.
    fn plain(sig: &Signature, body: &Group, wrapping: Wrapping) -> Self {
        Self {
            output: match &sig.output {
                ReturnType::Type(_, ty) => Some((**ty).clone()),
                ReturnType::Default => None,
            },
            block: body.clone(),
            wrapping,
        }
    }

    /// Whether it does not wait.
    pub(crate) fn is_sync(&self) -> bool {
        matches!(self.wrapping, Wrapping::Fn)
    }

    fn future(output: Type, body: &Group) -> Option<Self> {
        let (keywords, block) = async_block(&body.stream())?;
        Some(Self {
            output: Some(output),
            block,
            wrapping: Wrapping::Future { keywords },
        })
    }

    fn boxed(output: Type, body: &Group) -> Option<Self> {
        let mut before: Vec<TokenTree> = body.stream().into_iter().collect();
        let Some(TokenTree::Group(parens)) = before.pop() else {
            return None;
        };
        let is_pin = matches!(before.last(), Some(TokenTree::Ident(ident)) if ident == "pin");
        if !is_pin || parens.delimiter() != Delimiter::Parenthesis {
            return None;
        }
        let (keywords, block) = async_block(&parens.stream())?;
        Some(Self {
            output: Some(output),
            block,
            wrapping: Wrapping::Boxed {
                before: before.into_iter().collect(),
                parens: parens.span(),
                keywords,
            },
        })
    }

    /// A function body of the same wrapping around `inner`.
    pub(super) fn pack(&self, inner: &TokenStream, body_span: Span) -> Group {
        let block = brace(inner.clone(), self.block.span());
        let stream = match &self.wrapping {
            Wrapping::AsyncFn | Wrapping::Fn => return block,
            Wrapping::Future { keywords } => quote!(#keywords #block),
            Wrapping::Boxed {
                before,
                parens,
                keywords,
            } => {
                let mut argument = Group::new(Delimiter::Parenthesis, quote!(#keywords #block));
                argument.set_span(*parens);
                quote!(#before #argument)
            }
        };
        brace(stream, body_span)
    }
}

/// What the future that a signature returns yields, and whether it is boxed.
pub(crate) fn future_of(sig: &Signature) -> Option<(Type, bool)> {
    let ReturnType::Type(_, returned) = &sig.output else {
        return None;
    };
    match peel_type(returned) {
        Type::ImplTrait(opaque) => Some((future_output(&opaque.bounds)?, false)),
        other => Some((boxed_output(other)?, true)),
    }
}

fn brace(stream: TokenStream, span: Span) -> Group {
    let mut group = Group::new(Delimiter::Brace, stream);
    group.set_span(span);
    group
}

/// Splits `async move { … }`; nothing may follow.
fn async_block(tokens: &TokenStream) -> Option<(TokenStream, Group)> {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let Some(TokenTree::Group(block)) = tokens.pop() else {
        return None;
    };
    let words: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    let is_async = words == ["async", "move"] || words == ["async"];
    (is_async && block.delimiter() == Delimiter::Brace)
        .then(|| (tokens.into_iter().collect(), block))
}

/// The `T` of `Pin<Box<dyn Future<Output = T> + …>>`, or of `BoxFuture<'_, T>`.
fn boxed_output(ty: &Type) -> Option<Type> {
    if last_segment(ty)?.ident == "BoxFuture" {
        return first_generic(ty).cloned();
    }
    let boxed = first_generic(ty).filter(|_| last_segment(ty).is_some_and(|s| s.ident == "Pin"))?;
    match peel_type(first_generic(boxed)?) {
        Type::TraitObject(object) => future_output(&object.bounds),
        _ => None,
    }
}

fn future_output<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> Option<Type> {
    let future = bounds.into_iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .filter(|segment| segment.ident == "Future"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    })
}
