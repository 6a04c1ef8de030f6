//! Functions with a prefix of their own: what they return is no entity, and their parameters are the key.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Expr, GenericParam, Ident, LitStr, Type};

use crate::arguments::Arguments;
use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{operand, peel_expr};
use crate::prefix::prefix;
use crate::signature::{
    Borrow, Function, Parameter, elided, first_borrow, first_generic, last_segment, peel_type,
};

use super::input::Input;

/// What is cached, and under which key.
#[derive(Debug)]
pub(super) struct Value {
    function: Ident,
    prefix: LitStr,
    parts: Vec<Piece>,
    /// What is stored, as far as the spelling says.
    stored: Type,
}

/// One part of the key.
#[derive(Debug)]
enum Piece {
    /// A parameter, without the references of its type.
    Parameter {
        name: Ident,
        ty: Box<Type>,
        is_lent: bool,
    },
    /// Anything else.
    Expression(TokenStream),
}

impl Value {
    /// Reads the prefix and the key: `key = …`, or all parameters that are not skipped.
    pub(super) fn from_input(
        input: &Input,
        function: &Function,
        output: Option<&Type>,
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let ident = &function.sig.ident;
        let prefix = prefix(input.prefix.as_ref()?, ident, diagnostics);
        let parts = match &input.key {
            Some(setting) => {
                arguments.reject_left_out(setting, diagnostics);
                expressions(&setting.value)
            }
            None => parameters(arguments, diagnostics)?,
        };
        if let Some(output) = output {
            reject_untold_generics(function, output, input, diagnostics);
        }
        Some(Self {
            function: ident.clone(),
            prefix: prefix?,
            parts,
            stored: stored_in(output?).clone(),
        })
    }
}

/// The parts of `key = …`: of a tuple each, with or without a name.
fn expressions(key: &Expr) -> Vec<Piece> {
    let written: Vec<&Expr> = match peel_expr(key) {
        Expr::Tuple(tuple) => tuple.elems.iter().collect(),
        Expr::Paren(paren) => vec![&*paren.expr],
        whole => vec![whole],
    };
    let value = |expr: &Expr| match peel_expr(expr) {
        Expr::Assign(assign) => operand(&assign.right),
        other => operand(other),
    };
    let written = written.into_iter();
    written.map(|expr| Piece::Expression(value(expr))).collect()
}

fn parameters(arguments: &Arguments, diagnostics: &mut Diagnostics) -> Option<Vec<Piece>> {
    let mut parts = Vec::new();
    let mut is_complete = true;
    for parameter in arguments.candidates() {
        match (&parameter.name, &parameter.cfg) {
            (Some(name), None) => parts.push(Piece::from_parameter(name, parameter)),
            (Some(name), Some(cfg)) => {
                diagnostics.report(cfg, messages::cfg_in_key(name));
                is_complete = false;
            }
            (None, _) => {
                diagnostics.report(&parameter.pat, messages::PATTERN);
                is_complete = false;
            }
        }
    }
    is_complete.then_some(parts)
}

impl Piece {
    fn from_parameter(name: &Ident, parameter: &Parameter) -> Self {
        if matches!(first_borrow(&parameter.ty), Some(Borrow::ImplTrait(_))) {
            return Self::Expression(name.to_token_stream());
        }
        let mut ty = peel_type(&parameter.ty);
        let mut is_lent = false;
        while let Type::Reference(reference) = ty {
            ty = peel_type(&reference.elem);
            is_lent = true;
        }
        Self::Parameter {
            name: name.clone(),
            ty: Box::new(ty.clone()),
            is_lent,
        }
    }

    /// The statement that writes it.
    fn expand(&self, index: usize, key: &Ident, private: &TokenStream) -> TokenStream {
        match self {
            // expands to:
            //     K::value_part::<str>(0, from, &mut key);
            Self::Parameter { name, ty, is_lent } => {
                let extent = Extent::of(&**ty);
                let write = at(extent.first, quote!(#private::value_part::<));
                let close = quote_spanned!(extent.last=> >);
                let ty = elided(ty.to_token_stream());
                let borrow = (!is_lent).then(|| quote_spanned!(extent.first=> &));
                let arguments = arguments_at(extent, quote!(#index, #borrow #name, &mut #key));
                quote!(#write #ty #close #arguments;)
            }
            // expands to:
            //     {
            //         use K::{…};
            //         let held = &request.from;
            //         let piece = (&&&K::Piece(held)).piece();
            //         K::value_part(0, piece, &mut key);
            //     }
            Self::Expression(value) => {
                let extent = Extent::of(value);
                let write = spread(extent, quote!(#private::value_part));
                // Of the user's origin, or the attribute is blamed for what cannot be a part.
                let piece = Ident::new("__cache_kit_piece", extent.first);
                let arguments = arguments_at(extent, quote!(#index, #piece, &mut #key));
                let held = local("held");
                quote! {{
                    #[allow(unused_imports)]
                    use #private::{PieceOfNone as _, PieceOfRef as _, PieceOfRefs as _};
                    let #held = &#value;
                    let #piece = (&&&#private::Piece(#held)).piece();
                    #write #arguments;
                }}
            }
        }
    }
}

/// A type of the function's own that neither the key nor what is returned tells: what is cached for one would be returned for another.
fn reject_untold_generics(
    function: &Function,
    output: &Type,
    input: &Input,
    diagnostics: &mut Diagnostics,
) {
    let mut told = BTreeSet::new();
    collect_types(output.to_token_stream(), &mut told);
    for parameter in function.parameters() {
        collect_types(parameter.ty.to_token_stream(), &mut told);
    }
    if let Some(key) = &input.key {
        collect_types(key.value.to_token_stream(), &mut told);
    }
    told.extend(input.skip.iter().map(ToString::to_string));
    for param in &function.sig.generics.params {
        let ident = match param {
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
            GenericParam::Lifetime(_) => continue,
        };
        if !told.contains(&ident.to_string()) {
            let is_const = matches!(param, GenericParam::Const(_));
            diagnostics.report(ident, messages::untold_generic(ident, is_const));
        }
    }
}

fn collect_types(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_types(group.stream(), names),
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string());
            }
            _ => {}
        }
    }
}

/// What is stored of an output, as far as the spelling says.
fn stored_in(ty: &Type) -> &Type {
    let wrappers = ["Result", "Option", "Arc", "Outcome", "Cached"];
    last_segment(ty)
        .filter(|segment| wrappers.iter().any(|name| segment.ident == name))
        .and_then(|_| first_generic(ty))
        .map_or_else(|| peel_type(ty), stored_in)
}

impl Value {
    /// Statements that declare the function, and bind how what it returns is cached.
    pub(super) fn declare(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     struct __CacheKitValue;
        //     impl K::Declared for __CacheKitValue {
        //         const PREFIX: &'static str = "rates";
        //         const DEFINITION: &'static str = concat!(module_path!(), "::", "rate", ":", line!(), ":", column!());
        //     }
        //     let value = { use K::{…}; (&&&&&&&&K::Value::<Ret, __CacheKitValue>::new()).form() };
        //     value.check::<f64>();
        //     let outcome = value.methods();
        let (value, outcome, declared) = (local("value"), local("outcome"), declared());
        let Self { prefix, stored, .. } = self;
        let name = self.function.unraw().to_string();
        let extent = Extent::of(stored);
        let check = at(extent.first, quote!(.check::<));
        let close = quote_spanned!(extent.last=> >());
        quote! {
            struct #declared;
            impl #private::Declared for #declared {
                const PREFIX: &'static ::core::primitive::str = #prefix;
                const DEFINITION: &'static ::core::primitive::str =
                    ::core::concat!(::core::module_path!(), "::", #name, ":", ::core::line!(), ":", ::core::column!());
            }
            let #value = {
                #[allow(unused_imports)]
                use #private::{
                    Form0 as _, Form1 as _, Form2 as _, Form3 as _, Form4 as _, Form5 as _, Form6 as _, Form7 as _,
                };
                (&&&&&&&&#private::Value::<#output, #declared>::new()).form()
            };
            #value #check #stored #close;
            let #outcome = #value.methods();
        }
    }

    /// Statements that write the key.
    pub(super) fn key(&self, cache: &Ident, key: &Ident, private: &TokenStream) -> TokenStream {
        let declared = declared();
        let parts = self.parts.iter().enumerate();
        let parts = parts.map(|(index, part)| part.expand(index, key, private));
        quote! {
            let mut #key = #private::value_key::<#declared, _>(#cache);
            #(#parts)*
        }
    }
}

/// What the function is to the runtime.
fn declared() -> Ident {
    Ident::new("__CacheKitValue", Span::mixed_site())
}

/// A body that loads what is cached: what comes of it is wrapped.
pub(super) fn load(body: &TokenStream, unless: Option<&Expr>) -> TokenStream {
    let value = local("value");
    match unless {
        None => quote!(#value.load(#body)),
        Some(test) => quote!(#value.load_unless(#body, #test)),
    }
}

/// The same of a function that does not wait.
pub(super) fn wrap(output: &TokenStream, unless: Option<&Expr>) -> TokenStream {
    let value = local("value");
    match unless {
        None => quote!(#value.wrap(#output)),
        Some(test) => quote!(#value.wrap_unless(#output, #test)),
    }
}
