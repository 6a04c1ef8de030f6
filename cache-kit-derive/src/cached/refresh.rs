//! The body as a function of its own, for a refresh that runs without its caller.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, Type, TypeReference};

use crate::arguments::Arguments;
use crate::blame::{Extent, arguments_at, local, spread};
use crate::body;
use crate::diagnostics::Diagnostics;
use crate::lifetimes::Lifetimes;
use crate::messages;
use crate::options::{peel_expr, reject_written};
use crate::signature::{
    Borrow, Parameter, Receiver, Shell, elided, first_borrow, is_reference, peel_type,
};

use super::input::Input;
use super::loads::Loads;
use super::model::Model;

/// Everything that a body is called with, each of which can be kept.
#[derive(Debug)]
pub(super) struct Background {
    receiver: Option<Kept>,
    parameters: Vec<Kept>,
    /// Whether the body runs again, or without its caller.
    is_repeated: bool,
}

/// One thing that a body is called with.
#[derive(Debug)]
struct Kept {
    /// How the caller's function names it.
    name: TokenStream,
    /// How the body does: `mut id`, or the receiver under another name.
    pat: TokenStream,
    ty: Type,
    is_reference: bool,
    blame: Extent,
}

/// Who loads while a stale value serves.
#[derive(Debug)]
pub(super) enum Refresh {
    /// The first caller who comes.
    Inline,
    /// A task.
    Background(Box<Background>),
}

impl Refresh {
    /// Reads `refresh = …`; a function that says for how long values serve has a task by itself,
    /// and so has one whose body may run twice.
    pub(super) fn from_input(
        input: &Input,
        lifetimes: &Lifetimes,
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let repeated = Loads::repeated(input);
        let is_background = match &input.refresh {
            None => lifetimes.revalidate() || repeated.is_some(),
            Some(setting) => match word(&setting.value).as_deref() {
                Some("background") => true,
                Some("inline") if repeated.is_some() => {
                    let options = [&input.soft_timeout, &input.retry];
                    let options = options.map(Option::as_ref);
                    reject_written(options, messages::repeated_inline, diagnostics);
                    return None;
                }
                Some("inline") => false,
                _ => {
                    diagnostics.report(&setting.value, messages::REFRESH);
                    return None;
                }
            },
        };
        if is_background {
            let background = Background::from_arguments(arguments, repeated, diagnostics);
            background.map(|background| Self::Background(Box::new(background)))
        } else {
            Some(Self::Inline)
        }
    }
}

fn word(value: &Expr) -> Option<String> {
    match peel_expr(value) {
        Expr::Path(path) => path.path.get_ident().map(Ident::to_string),
        _ => None,
    }
}

impl Background {
    fn from_arguments(
        arguments: &Arguments,
        repeated: Option<&Ident>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let parameters = arguments.parameters();
        let kept: Vec<_> = parameters
            .iter()
            .filter_map(|parameter| Kept::from_parameter(parameter, repeated, diagnostics))
            .collect();
        (kept.len() == parameters.len()).then(|| Self {
            receiver: arguments.receiver().map(Kept::from_receiver),
            parameters: kept,
            is_repeated: repeated.is_some(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &Kept> {
        self.receiver.iter().chain(&self.parameters)
    }

    /// Statements that bind the body, as something that can be called twice.
    pub(super) fn bind(&self, model: &Model, private: &TokenStream) -> TokenStream {
        // expands to:
        //     let load = async |this: &Self, person_id: &str, year: i32| { … };
        let load = local("load");
        let function = self.function(&model.shell, &model.output);
        let retry = model.loads.retry.as_ref().map(|retry| retry.bind(private));
        quote!(let #load = #function; #retry)
    }

    /// The body as this call runs it.
    pub(super) fn call(&self, model: &Model, private: &TokenStream) -> TokenStream {
        // expands to:
        //     async { load(self, person_id, Clone::clone(&year)).await }
        let (load, lent) = (local("load"), self.all().map(Kept::lend));
        let call = quote!(#load(#(#lent),*));
        match &model.loads.retry {
            None => quote!(async { #call.await }),
            Some(retry) => retry.expand(&call, &model.output, private),
        }
    }

    /// How a refresh begins that runs without its caller.
    pub(super) fn refresh(&self, model: &Model, private: &TokenStream) -> TokenStream {
        // expands to:
        //     || -> K::Detached<Ret> {
        //         let kept_self = K::Keep::keep(self);
        //         let kept_person_id = K::Keep::keep(person_id);
        //         let kept_year = K::Keep::keep(&year);
        //         K::boxed(async move { load(&kept_self, &kept_person_id, kept_year).await })
        //     }
        let (load, output) = (local("load"), &model.output);
        let retry = model.loads.retry.as_ref();
        let keep = if self.is_repeated {
            quote!(KeepToRepeat)
        } else {
            quote!(Keep)
        };
        let keep: TokenStream = self.all().map(|kept| kept.keep(&keep, private)).collect();
        let pass = self.all().map(|kept| kept.pass(retry.is_some()));
        let pass = quote!(#load(#(#pass),*));
        let pass = match retry {
            None => pass,
            Some(retry) => retry.expand(&pass, output, private),
        };
        quote! {
            || -> #private::Detached<#output> {
                #keep
                #private::boxed(async move { #pass.await })
            }
        }
    }

    /// The body as a closure that captures nothing.
    fn function(&self, shell: &Shell, output: &Type) -> TokenStream {
        let parameters = self.all().map(|kept| {
            let (pat, ty) = (&kept.pat, elided(kept.ty.to_token_stream()));
            quote!(#pat: #ty)
        });
        let statements = with_this(shell.block.stream(), &this());
        let block = body::typed_block(shell, &statements, output);
        quote!(async |#(#parameters),*| #block)
    }
}

impl Kept {
    fn from_receiver(receiver: &Receiver) -> Self {
        let this = this();
        let ty = receiver.ty.clone();
        let ty = ty.unwrap_or_else(|| syn::parse_quote!(&Self));
        Self {
            name: receiver.self_token.to_token_stream(),
            pat: this.to_token_stream(),
            is_reference: is_reference(&ty),
            ty,
            blame: Extent::of(&receiver.node),
        }
    }

    /// Refuses what cannot be kept when the caller has gone.
    fn from_parameter(
        parameter: &Parameter,
        repeated: Option<&Ident>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let unkept = |what| messages::unkept(what, repeated);
        let name = match (&parameter.name, &parameter.cfg) {
            (Some(name), None) => name,
            (Some(_), Some(cfg)) => {
                diagnostics.report(cfg, unkept("a parameter under a `cfg`"));
                return None;
            }
            (None, _) => {
                diagnostics.report(&parameter.pat, unkept("a parameter without a name"));
                return None;
            }
        };
        let (inner, is_reference) = match peel_type(&parameter.ty) {
            Type::Reference(reference) if reference.mutability.is_some() => {
                diagnostics.report(&parameter.ty, unkept("a `&mut` parameter"));
                return None;
            }
            Type::Reference(reference) if !is_static(reference) => (&*reference.elem, true),
            Type::Reference(reference) => (&*reference.elem, false),
            other => (other, false),
        };
        match first_borrow(inner) {
            None => {}
            Some(Borrow::ImplTrait(node)) => {
                diagnostics.report(node, unkept("an `impl Trait` parameter"));
                return None;
            }
            Some(Borrow::Lifetime(node)) => {
                diagnostics.report(node, unkept("a borrow inside another type"));
                return None;
            }
        }
        Some(Self {
            name: name.to_token_stream(),
            pat: parameter.pat.to_token_stream(),
            ty: parameter.ty.clone(),
            is_reference,
            blame: Extent::of(&parameter.ty),
        })
    }

    /// What the caller's own load is given.
    fn lend(&self) -> TokenStream {
        let name = &self.name;
        if self.is_reference {
            quote!(#name)
        } else {
            quote!(::core::clone::Clone::clone(&#name))
        }
    }

    fn local(&self) -> Ident {
        let name = self.name.to_string();
        local(&format!("kept_{}", name.trim_start_matches("r#")))
    }

    /// The statement that keeps it. Blamed where it was declared: it is what cannot be kept.
    fn keep(&self, how: &TokenStream, private: &TokenStream) -> TokenStream {
        let (kept, name) = (self.local(), &self.name);
        let keep = spread(self.blame, quote!(#private::#how::keep));
        let borrow = (!self.is_reference).then(|| quote_spanned!(self.blame.first=> &));
        let arguments = arguments_at(self.blame, quote!(#borrow #name));
        quote!(let #kept = #keep #arguments;)
    }

    /// What a refresh is given, once or again.
    fn pass(&self, is_again: bool) -> TokenStream {
        let kept = self.local();
        match (self.is_reference, is_again) {
            (true, _) => quote!(&#kept),
            (false, true) => quote!(::core::clone::Clone::clone(&#kept)),
            (false, false) => quote!(#kept),
        }
    }
}

/// What is borrowed for ever is kept as it is.
fn is_static(reference: &TypeReference) -> bool {
    let lifetime = reference.lifetime.as_ref();
    lifetime.is_some_and(|lifetime| lifetime.ident == "static")
}

/// What `self` is called in the body.
pub(super) fn this() -> Ident {
    local("this")
}

/// Replaces `self`, which is a word that no closure can take.
pub(super) fn with_this(tokens: TokenStream, this: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "self" => {
                let span = Span::mixed_site().located_at(ident.span());
                TokenTree::Ident(Ident::new(&this.to_string(), span))
            }
            TokenTree::Group(group) => {
                let stream = with_this(group.stream(), this);
                let mut replaced = Group::new(group.delimiter(), stream);
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            other => other,
        })
        .collect()
}
