//! The key of a value: parts that say by themselves how they are written.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, Ident, Token, Type};

use crate::arguments::Arguments;
use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::options::{Setting, operand, peel_expr};
use crate::signature::{Parameter, elided, is_opaque, last_segment, peel_type};

/// The parts of a key, in order; there may be none.
#[derive(Debug)]
pub(crate) struct ValueKey(Vec<Piece>);

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

impl ValueKey {
    /// Reads `key = …`: of a tuple each part, with or without a name.
    pub(crate) fn from_setting(setting: &Setting<Expr>) -> Self {
        let written: Vec<&Expr> = match peel_expr(&setting.value) {
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            Expr::Paren(paren) => vec![&*paren.expr],
            whole => vec![whole],
        };
        let value = |expr: &Expr| match peel_expr(expr) {
            Expr::Assign(assign) => operand(&assign.right),
            other => operand(other),
        };
        let written = written.into_iter();
        Self(written.map(|expr| Piece::Expression(value(expr))).collect())
    }

    /// The key of all parameters that are candidates.
    pub(crate) fn from_arguments(
        arguments: &Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
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
        is_complete.then_some(Self(parts))
    }

    /// `mut`, where anything is written into the key.
    pub(crate) fn is_mut(&self) -> Option<Token![mut]> {
        (!self.0.is_empty()).then(Default::default)
    }

    /// Statements that write the key.
    pub(crate) fn expand(&self, key: &Ident, private: &TokenStream) -> TokenStream {
        let parts = self.0.iter().enumerate();
        parts
            .map(|(index, part)| part.expand(index, key, private))
            .collect()
    }
}

impl Piece {
    fn from_parameter(name: &Ident, parameter: &Parameter) -> Self {
        if is_opaque(&parameter.ty) {
            return Self::Expression(name.to_token_stream());
        }
        let mut ty = peel_type(&parameter.ty);
        let mut is_lent = false;
        while let Type::Reference(reference) = ty {
            ty = peel_type(&reference.elem);
            is_lent = true;
        }
        // Text that is owned or borrowed, for any lifetime.
        if last_segment(ty).is_some_and(|last| last.ident == "Cow") {
            return Self::Expression(name.to_token_stream());
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
