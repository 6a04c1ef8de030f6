//! Takes a function apart: what it returns, where its body is, which parameters it has.

mod output;
mod shell;

use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, FnArg, GenericParam, Ident, Pat, ReceiverKind, Signature, Token, Type, Visibility,
    token,
};

use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{CACHED, Dialect};

pub(crate) use output::{
    Borrow, elided, first_borrow, first_generic, is_opaque, is_reference, is_unit, last_segment,
    payload_in, peel_type, second_generic,
};
pub(crate) use shell::{Shell, future_of};

/// A function as written; its body is kept as raw tokens, so that a half-typed one still gets
/// completion.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    default: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Option<Group>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let default = input.parse()?;
        let sig = input.parse()?;
        let body = if input.peek(token::Brace) {
            let group: Group = input.parse()?;
            Some(hoist_inner_attributes(&group, &mut attrs)?)
        } else {
            input.parse::<Token![;]>()?;
            None
        };
        Ok(Self {
            attrs,
            vis,
            default,
            sig,
            body,
        })
    }
}

/// Moves `#![…]` from the body to the function: generated statements come before the body, and an
/// inner attribute must be first.
fn hoist_inner_attributes(body: &Group, attrs: &mut Vec<Attribute>) -> syn::Result<Group> {
    let split = |input: ParseStream<'_>| {
        let inner = input.call(Attribute::parse_inner)?;
        Ok((inner, input.parse::<TokenStream>()?))
    };
    let (inner, rest) = syn::parse::Parser::parse2(split, body.stream())?;
    attrs.extend(inner.into_iter().map(|attr| Attribute {
        style: syn::AttrStyle::Outer,
        ..attr
    }));
    let mut group = Group::new(body.delimiter(), rest);
    group.set_span(body.span());
    Ok(group)
}

impl Function {
    /// Parses an annotated item, or says what was annotated instead of a function.
    pub(crate) fn from_syn(item: TokenStream, dialect: &Dialect) -> syn::Result<Self> {
        match syn::parse2(item.clone()) {
            Ok(function) => Ok(function),
            Err(error) => Err(found_item(item, dialect).unwrap_or(error)),
        }
    }

    /// The function as it is.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        let Self {
            attrs,
            vis,
            default,
            sig,
            body,
        } = self;
        let end = body.is_none().then(|| quote!(;));
        quote!(#(#attrs)* #vis #default #sig #body #end)
    }

    /// What the function yields, and how its body is packed.
    pub(crate) fn shell(&self, dialect: &Dialect, diagnostics: &mut Diagnostics) -> Option<Shell> {
        if self.has_wrong_qualifier(dialect, diagnostics) {
            return None;
        }
        let Some(body) = &self.body else {
            diagnostics.report(&self.sig.ident, messages::bodiless(dialect));
            return None;
        };
        let mut shell = Shell::from_syn(&self.sig, body);
        if *dialect == CACHED {
            shell = shell.or_else(|| Shell::of_sync(&self.sig, body));
        }
        if shell.is_none() {
            diagnostics.report(self.sig.fn_token, messages::not_async(dialect, &self.sig));
        }
        shell
    }

    fn has_wrong_qualifier(&self, dialect: &Dialect, diagnostics: &mut Diagnostics) -> bool {
        if let Some(constness) = &self.sig.constness {
            diagnostics.report(constness, messages::qualified(dialect, "const"));
        }
        if let Some(abi) = &self.sig.abi {
            diagnostics.report(abi, messages::qualified(dialect, "extern"));
        }
        self.sig.constness.is_some() || self.sig.abi.is_some()
    }

    /// The parameters after the receiver.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        self.sig
            .inputs
            .iter()
            .filter_map(Parameter::from_syn)
            .collect()
    }

    /// The types and constants of its own, in order.
    pub(crate) fn own_types(&self) -> impl Iterator<Item = &Ident> {
        let params = self.sig.generics.params.iter();
        params.filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
    }

    /// How the method holds its `self`, if it is a method.
    pub(crate) fn receiver(&self) -> Option<Receiver> {
        self.sig.receiver().map(Receiver::from_syn)
    }

    /// The function again, with another body.
    pub(crate) fn with_body(&self, shell: &Shell, inner: &TokenStream) -> TokenStream {
        self.with_signature(&self.sig, shell, inner)
    }

    /// The function again, with another body, whose parameters are not changed in it.
    pub(crate) fn with_settled_body(&self, shell: &Shell, inner: &TokenStream) -> TokenStream {
        let mut sig = self.sig.clone();
        for arg in &mut sig.inputs {
            if let FnArg::Typed(typed) = arg
                && let Pat::Ident(pat) = &mut *typed.pat
            {
                pat.mutability = None;
            }
        }
        self.with_signature(&sig, shell, inner)
    }

    fn with_signature(&self, sig: &Signature, shell: &Shell, inner: &TokenStream) -> TokenStream {
        let Self {
            attrs,
            vis,
            default,
            sig: _,
            body,
        } = self;
        let body_span = body.as_ref().map_or_else(Span::call_site, Group::span);
        let body = shell.pack(inner, body_span);
        quote!(#(#attrs)* #vis #default #sig #body)
    }
}

fn found_item(item: TokenStream, dialect: &Dialect) -> Option<syn::Error> {
    use syn::Item;
    let item: Item = syn::parse2(item).ok()?;
    let (node, kind) = match &item {
        Item::Struct(item) => (item.struct_token.to_token_stream(), "a struct"),
        Item::Enum(item) => (item.enum_token.to_token_stream(), "an enum"),
        Item::Union(item) => (item.union_token.to_token_stream(), "a union"),
        Item::Impl(item) => (item.impl_token.to_token_stream(), "an `impl` block"),
        Item::Trait(item) => (item.trait_token.to_token_stream(), "a trait"),
        Item::Mod(item) => (item.mod_token.to_token_stream(), "a module"),
        Item::Const(item) => (item.const_token.to_token_stream(), "a constant"),
        Item::Static(item) => (item.static_token.to_token_stream(), "a static"),
        Item::Type(item) => (item.type_token.to_token_stream(), "a type alias"),
        Item::Use(item) => (item.use_token.to_token_stream(), "a `use`"),
        Item::Fn(_) => return None,
        other => (other.to_token_stream(), "another item"),
    };
    Some(syn::Error::new_spanned(
        node,
        messages::wrong_item(dialect, kind),
    ))
}

/// One parameter of a function.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name, unless it is a pattern.
    pub(crate) name: Option<Ident>,
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    /// The `cfg` it stands under.
    pub(crate) cfg: Option<Attribute>,
}

impl Parameter {
    fn from_syn(arg: &FnArg) -> Option<Self> {
        let FnArg::Typed(typed) = arg else {
            return None;
        };
        let name = match &*typed.pat {
            Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
                Some(pat.ident.clone())
            }
            _ => None,
        };
        Some(Self {
            name,
            pat: (*typed.pat).clone(),
            ty: (*typed.ty).clone(),
            cfg: typed
                .attrs
                .iter()
                .find(|attr| attr.path().is_ident("cfg"))
                .cloned(),
        })
    }

    /// Whether it has this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|own| own == name)
    }

    /// Whether it is borrowed for writing.
    pub(crate) fn is_mut_reference(&self) -> bool {
        matches!(peel_type(&self.ty), Type::Reference(reference) if reference.mutability.is_some())
    }
}

/// How a method holds its `self`.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// The `self` of the signature: in a method that a macro made, only this one names it.
    pub(crate) self_token: Token![self],
    pub(crate) hold: Hold,
    /// Its type, where that is spelt.
    pub(crate) ty: Option<Type>,
    /// The tokens to blame.
    pub(crate) node: TokenStream,
}

/// The ways of holding `self` that matter to a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// `&self`
    Shared,
    /// `&mut self`, `self: Pin<&mut Self>`
    Mutable,
    /// `self: Arc<Self>` and the like: a handle that a hit may drop
    Handle,
    /// `self`, `self: Box<Self>`
    Value,
}

impl Receiver {
    fn from_syn(receiver: &syn::Receiver) -> Self {
        let hold = match &receiver.kind {
            ReceiverKind::Reference(_, _, Some(_)) => Hold::Mutable,
            ReceiverKind::Reference(..) => Hold::Shared,
            ReceiverKind::Typed(_, ty) => hold_of(ty),
            _ => Hold::Value,
        };
        Self {
            self_token: receiver.self_token,
            hold,
            ty: match &receiver.kind {
                ReceiverKind::Typed(_, ty) => Some((**ty).clone()),
                _ => None,
            },
            node: quote!(#receiver),
        }
    }
}

fn hold_of(ty: &Type) -> Hold {
    match peel_type(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => Hold::Mutable,
        Type::Reference(_) => Hold::Shared,
        other => match last_segment(other).map(|segment| segment.ident.to_string()) {
            Some(name) if name == "Pin" => first_generic(other).map_or(Hold::Handle, hold_of),
            Some(name) if name == "Arc" || name == "Rc" => Hold::Handle,
            _ => Hold::Value,
        },
    }
}

#[cfg(test)]
mod tests;
