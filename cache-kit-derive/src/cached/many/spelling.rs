//! How keys are passed, as far as the spelling says.

use syn::{
    AngleBracketedGenericArguments, GenericArgument, Generics, PathArguments, Type, TypeParamBound,
    WherePredicate,
};

use crate::signature::{first_generic, last_segment, peel_type};

use super::{Element, Form};

/// How a type passes keys, if it does.
pub(super) fn keys_in(ty: &Type, generics: &Generics) -> Option<(Form, Element)> {
    let (form, element) = match peel_type(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => {
            match peel_type(&reference.elem) {
                Type::Slice(slice) => (Form::Slice, (*slice.elem).clone()),
                other => (Form::Reference, collected(other)?),
            }
        }
        Type::ImplTrait(opaque) => (Form::Iterator, iterated(&opaque.bounds)?),
        other => match collected(other) {
            Some(element) => (Form::Collection, element),
            None => (Form::Iterator, declared(other, generics)?),
        },
    };
    let element = match peel_type(&element) {
        Type::Reference(reference) => Element::Lent((*reference.elem).clone()),
        own => Element::Own(own.clone()),
    };
    Some((form, element))
}

/// The `K` of `Vec<K>` and the like.
fn collected(ty: &Type) -> Option<Type> {
    let collections = ["Vec", "VecDeque", "HashSet", "BTreeSet"];
    let name = &last_segment(ty)?.ident;
    let is_collection = collections.iter().any(|collection| name == collection);
    first_generic(ty).filter(|_| is_collection).cloned()
}

/// The `K` of `I` where that is declared `I: IntoIterator<Item = K>`.
fn declared(ty: &Type, generics: &Generics) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let ident = path.path.get_ident()?;
    let own = generics.type_params().filter(|param| param.ident == *ident);
    let clauses = generics.where_clause.iter();
    let clauses = clauses.flat_map(|clause| &clause.predicates);
    let clauses = clauses.filter_map(|predicate| match predicate {
        WherePredicate::Type(of) if peel_type(&of.bounded_ty) == ty => Some(&of.bounds),
        _ => None,
    });
    own.map(|param| &param.bounds)
        .chain(clauses)
        .find_map(iterated)
}

/// The `K` of `IntoIterator<Item = K>`.
fn iterated<'b>(bounds: impl IntoIterator<Item = &'b TypeParamBound>) -> Option<Type> {
    let mut bounds = bounds.into_iter();
    let arguments = bounds.find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let segment = bound.path.segments.last()?;
            let iterators = ["IntoIterator", "Iterator", "ExactSizeIterator"];
            let is_one = iterators.iter().any(|name| segment.ident == name);
            match &segment.arguments {
                PathArguments::AngleBracketed(arguments) if is_one => Some(arguments),
                _ => None,
            }
        }
        _ => None,
    });
    let AngleBracketedGenericArguments { args, .. } = arguments?;
    args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(item) if item.ident == "Item" => Some(item.ty.clone()),
        _ => None,
    })
}
