//! Functions of many keys: which parameter has them, and how a body is given those that are missing.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Generics, Pat, PathArguments, Token, Type,
    TypeParamBound, WherePredicate,
};

use crate::arguments::Arguments;
use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::body;
use crate::diagnostics::Diagnostics;
use crate::messages;
use crate::signature::{
    Borrow, Function, Hold, Parameter, elided, first_borrow, first_generic, is_reference,
    last_segment, peel_type,
};

use super::expand::plan;
use super::input::Input;
use super::model::Model;
use super::refresh::{this, with_this};

/// The parameter that has the keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    name: TokenStream,
    pat: Pat,
    ty: Type,
    form: Form,
    element: Element,
    /// What each call of the body has a copy of.
    copied: Vec<Other>,
    /// Parameters of a type without a name.
    opaque: Vec<Ident>,
    /// What is lent to one call of it after the other: what is borrowed for writing.
    lent: Vec<Other>,
    /// `self`, where it is a handle that a call of the body may take away.
    handle: Option<Token![self]>,
}

/// Another parameter.
#[derive(Debug, Clone)]
struct Other {
    name: Ident,
    pat: Pat,
    ty: Type,
}

/// How keys are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `&[K]`
    Slice,
    /// `Vec<K>` and the like
    Collection,
    /// `&Vec<K>` and the like
    Reference,
    /// `impl IntoIterator<Item = K>`
    Iterator,
}

/// What one key is passed as.
#[derive(Debug, Clone)]
enum Element {
    /// `K`
    Own(Type),
    /// `&Q`
    Lent(Type),
}

/// Whether an output is one for many keys, as far as the spelling says: `Vec<T>`, a map, or a `Result` of one.
pub(super) fn is_many(output: &Type) -> bool {
    let Some(segment) = last_segment(output) else {
        return false;
    };
    match segment.ident.to_string().as_str() {
        "Result" => first_generic(output).is_some_and(is_many),
        "Vec" | "HashMap" | "BTreeMap" => true,
        _ => false,
    }
}

impl Keys {
    /// Finds the parameter; it is the only one that is neither skipped nor read by an option.
    pub(super) fn from_arguments(
        function: &Function,
        arguments: &Arguments,
        input: &Input,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_options(input, diagnostics);
        let generics = &function.sig.generics;
        let mut found = None;
        let mut others = Vec::new();
        for parameter in arguments.candidates() {
            match keys_in(&parameter.ty, generics) {
                Some(keys) if found.is_none() => found = Some((parameter, keys)),
                _ => others.push(parameter),
            }
        }
        let Some((parameter, (form, element))) = found else {
            let node = others.first().map_or_else(
                || function.sig.ident.to_token_stream(),
                |parameter| parameter.ty.to_token_stream(),
            );
            if input.key.is_none() {
                diagnostics.report(node, messages::no_keys());
            }
            return None;
        };
        for other in others {
            let message = messages::beside_keys(other.name.as_ref());
            diagnostics.report(&other.pat, message);
        }
        let Some(name) = &parameter.name else {
            diagnostics.report(&parameter.pat, messages::PATTERN_KEYS);
            return None;
        };
        let rest = arguments.parameters().iter();
        let rest = rest.filter(|other| other.name.as_ref() != Some(name));
        let receiver = arguments.receiver();
        let handle = receiver.filter(|receiver| receiver.hold != Hold::Shared);
        Some(Self {
            name: name.to_token_stream(),
            pat: parameter.pat.clone(),
            ty: parameter.ty.clone(),
            form,
            element,
            copied: rest.clone().filter_map(copied).collect(),
            opaque: rest.clone().filter_map(opaque).collect(),
            lent: rest.filter_map(lent).collect(),
            handle: handle.map(|receiver| receiver.self_token),
        })
    }
}

/// What has no meaning for many keys at once.
fn reject_options(input: &Input, diagnostics: &mut Diagnostics) {
    if let Some(key) = &input.key {
        diagnostics.report(&key.name, messages::key_of_many());
    }
    for option in [&input.soft_timeout, &input.refresh].into_iter().flatten() {
        diagnostics.report(&option.name, messages::useless_for_many(&option.name));
    }
    if let Some(early) = input.lifetimes.early_refresh() {
        diagnostics.report(&early.name, messages::useless_for_many(&early.name));
    }
}

/// A parameter that a body may take away, and another call of it needs again.
fn copied(parameter: &Parameter) -> Option<Other> {
    let is_kept = is_reference(&parameter.ty)
        || parameter.cfg.is_some()
        || matches!(first_borrow(&parameter.ty), Some(Borrow::ImplTrait(_)));
    (!is_kept).then(|| Other::from_parameter(parameter))?
}

/// A parameter of a type without a name, whose copy nobody can make.
fn opaque(parameter: &Parameter) -> Option<Ident> {
    let is_opaque = matches!(first_borrow(&parameter.ty), Some(Borrow::ImplTrait(_)));
    let is_taken = is_opaque && !is_reference(&parameter.ty) && parameter.cfg.is_none();
    parameter.name.clone().filter(|_| is_taken)
}

/// A parameter that one call of a body after the other writes to.
fn lent(parameter: &Parameter) -> Option<Other> {
    let is_lent = parameter.is_mut_reference() && parameter.cfg.is_none();
    is_lent.then(|| Other::from_parameter(parameter))?
}

impl Other {
    fn from_parameter(parameter: &Parameter) -> Option<Self> {
        Some(Self {
            name: parameter.name.clone()?,
            pat: parameter.pat.clone(),
            ty: parameter.ty.clone(),
        })
    }

    fn local(&self) -> Ident {
        local(&format!("lent_{}", self.name.unraw()))
    }
}

/// How a type passes keys, if it does.
fn keys_in(ty: &Type, generics: &Generics) -> Option<(Form, Element)> {
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

/// Writes the function with a cache in front of its body.
pub(super) fn expand(model: &Model, keys: &Keys) -> TokenStream {
    let private = model.krate.private();
    let output = &model.output;
    let (cache, call, outcome) = (local("cache"), local("call"), local("outcome"));
    let asked = local("asked");
    let check = keys.check(output, &private);
    let find_cache = model.cache.expand(&private);
    let ask = keys.ask();
    let plan = plan(
        model,
        &quote!(#outcome.call),
        &quote!(#outcome.probe()),
        &private,
    );
    let tags = model.expand_tags(&call, &private);
    let body = keys.body(model, &private);
    let unless = unless(model, &private);
    // expands to:
    //     let _ = <Ret as K::BatchOutput>::into_result;
    //     …
    //     let cache = K::cache(&self.cache);
    //     let asked = outcome.asked(ids);
    //     let call = outcome.call(K::CacheStrategy::Refresh)…;
    //     outcome.read(cache, asked, call, None, |missing: Vec<_>| async move { let ids: &[u64] = &missing; … }).await
    let bind_retry = model.loads.retry.as_ref().map(|retry| retry.bind(&private));
    let lend = keys.lend(&private);
    let inner = quote! {
        #check
        #find_cache
        let #asked = #ask;
        let #call = #plan;
        #tags
        #bind_retry
        #lend
        #outcome.read(#cache, #asked, #call, #unless, #body).await
    };
    model.function.with_settled_body(&model.shell, &inner)
}

/// Says of which entities nothing is stored.
fn unless(model: &Model, private: &TokenStream) -> TokenStream {
    let Some(test) = &model.unless else {
        return quote!(::core::option::Option::None);
    };
    let (outcome, found) = (local("outcome"), local("found"));
    let extent = Extent::of(test);
    let unless = spread(extent, quote!(#private::unless_entity));
    let arguments = arguments_at(extent, quote!(#found, #test));
    let parameter = quote_spanned!(extent.first=> |#found|);
    quote!(#outcome.unless(#parameter #unless #arguments))
}

impl Keys {
    /// Statements that say what is wrong with the output or the keys, and bind what reads them.
    fn check(&self, output: &Type, private: &TokenStream) -> TokenStream {
        // expands to:
        //     let _ = <Ret as K::BatchOutput>::into_result;
        //     { use K::{…}; (&&K::Returns::<Ret>::new()).batch().own::<u64>(); }
        //     let outcome = { use K::{…}; (&&K::Own::<Ret, u64>::new()).methods() };
        let outcome = local("outcome");
        let returned = body::check_output(output, &quote!(BatchOutput > ::into_result), private);
        let (element, check, methods) = match &self.element {
            Element::Own(ty) => (ty, quote!(own), quote!(Own)),
            Element::Lent(ty) => (ty, quote!(lent), quote!(Lent)),
        };
        let extent = Extent::of(element);
        let element = elided(element.to_token_stream());
        let check = at(extent.first, quote!(.#check::<));
        let end = quote_spanned!(extent.last=> >());
        quote! {
            #returned
            {
                #[allow(unused_imports)]
                use #private::{BatchNone as _, BatchOf as _};
                (&&#private::Returns::<#output>::new()).batch() #check #element #end;
            }
            let #outcome = {
                #[allow(unused_imports)]
                use #private::{Fits as _, FitsNot as _};
                (&&#private::#methods::<#output, #element>::new()).methods()
            };
        }
    }

    /// The keys that were asked for.
    fn ask(&self) -> TokenStream {
        let (outcome, name) = (local("outcome"), &self.name);
        let asked = match &self.element {
            Element::Own(_) => quote!(asked),
            Element::Lent(ty) => {
                let ty = elided(ty.to_token_stream());
                quote!(asked_lent::<#ty>)
            }
        };
        let borrow = (self.form == Form::Collection).then(|| quote!(&));
        quote!(#outcome.#asked(#borrow #name))
    }

    /// Statements that take what is lent to each call of the body.
    fn lend(&self, private: &TokenStream) -> TokenStream {
        let lend = self.lent.iter().map(|other| {
            let (lender, name) = (other.local(), &other.name);
            quote!(let #lender = &#private::Lender::new(#name);)
        });
        lend.collect()
    }

    /// The body as a function of the keys that are missing.
    fn body(&self, model: &Model, private: &TokenStream) -> TokenStream {
        // expands to:
        //     |missing: Vec<_>| async move { let ids: &[u64] = &missing; … }
        // or, with parameters that the body may take away, or write to:
        //     |missing: Vec<_>| {
        //         let filter = K::Again::again(&filter);
        //         async move { let mut conn = lent_conn.lend().await; let conn: &mut Conn = &mut conn; … }
        //     }
        let missing = local("missing");
        let copy = self.copied.iter().map(|Other { name, ty, .. }| {
            let extent = Extent::of(ty);
            // What cannot be given twice is blamed where it was declared.
            let copy = spread(extent, quote!(#private::Again::again));
            let borrow = quote_spanned!(extent.first=> &);
            let arguments = arguments_at(extent, quote!(#borrow #name));
            quote!(#[allow(unused_variables)] let #name = #copy #arguments;)
        });
        // Of a type without a name, a reference may do what it does: call it, show it.
        let lend = self
            .opaque
            .iter()
            .map(|name| quote!(#[allow(unused_variables)] let #name = &#name;));
        let copy = quote!(#(#copy)* #(#lend)*);
        let change = self.copied.iter().filter_map(|Other { name, pat, .. }| {
            let is_changed = matches!(pat, Pat::Ident(pat) if pat.mutability.is_some());
            is_changed.then(|| quote!(let #pat = #name;))
        });
        let borrow = self.lent.iter().map(|other| {
            let (lender, name) = (other.local(), &other.name);
            let (guard, ty) = (local("guard"), elided(other.ty.to_token_stream()));
            quote!(let mut #guard = #lender.lend().await; let #name: #ty = &mut #guard;)
        });
        let statements = model.shell.block.stream();
        let (hold, statements) = match &self.handle {
            None => (None, statements),
            Some(own) => {
                let this = this();
                let hold = quote!(let #this = ::core::clone::Clone::clone(&#own););
                (Some(hold), with_this(statements, &this))
            }
        };
        let bind = self.bind();
        let statements = quote!(#(#change)* #(#borrow)* #bind #statements);
        let block = body::typed_block(&model.shell, &statements, &model.output);
        let body = quote!(async move #block);
        let retry = model.loads.retry.as_ref();
        let body = match retry {
            None => body,
            Some(retry) => {
                let again = quote!({ #hold let #missing = ::core::clone::Clone::clone(&#missing); #copy #body });
                let again = retry.expand(&again, &model.output, private);
                return quote!(|#missing: ::std::vec::Vec<_>| async move { #again.await });
            }
        };
        quote!(|#missing: ::std::vec::Vec<_>| { #hold #copy #body })
    }

    /// Whether this is the parameter of that name.
    pub(super) fn is_named(&self, name: &Ident) -> bool {
        *name == self.name.to_string()
    }

    /// The argument, made of a slice of keys.
    pub(crate) fn pass(&self, ids: &Ident, private: &TokenStream) -> TokenStream {
        let each = quote!(<[_]>::iter(#ids));
        let each = match &self.element {
            Element::Own(_) if self.form == Form::Slice => return quote!(#ids),
            Element::Own(_) => quote!(::core::iter::Iterator::cloned(#each)),
            Element::Lent(ty) => {
                let (id, ty) = (local("each"), elided(ty.to_token_stream()));
                quote!(::core::iter::Iterator::map(#each, |#id| #private::lend::<_, #ty>(#id)))
            }
        };
        let collect = quote!(::core::iter::FromIterator::from_iter(#each));
        match self.form {
            Form::Slice => {
                quote!(&<::std::vec::Vec<_> as ::core::iter::FromIterator<_>>::from_iter(#each))
            }
            Form::Collection => collect,
            Form::Reference => {
                let of = without_reference(&self.ty);
                quote!(&<#of as ::core::iter::FromIterator<_>>::from_iter(#each))
            }
            Form::Iterator => each,
        }
    }

    /// The statement that gives the body its parameter.
    fn bind(&self) -> TokenStream {
        // expands to:
        //     let ids: &[u64] = &missing;
        // or, of `&[&str]`:
        //     let lent = outcome.lend::<str>(&missing);
        //     let ids: &[&str] = &lent;
        let (missing, outcome, pat) = (local("missing"), local("outcome"), &self.pat);
        let (lend, given) = match &self.element {
            Element::Own(_) => (None, missing),
            Element::Lent(ty) => {
                let (borrowed, ty) = (local("lent"), elided(ty.to_token_stream()));
                let lend = quote!(let #borrowed = #outcome.lend::<#ty>(&#missing););
                (Some(lend), borrowed)
            }
        };
        let ty = elided(self.ty.to_token_stream());
        let collect = quote!(::core::iter::FromIterator::from_iter(#given));
        let bind = match self.form {
            Form::Slice => quote!(let #pat: #ty = &#given;),
            Form::Collection => quote!(let #pat: #ty = #collect;),
            Form::Reference => {
                let (kept, of) = (local("kept"), without_reference(&self.ty));
                quote!(let #kept: #of = #collect; let #pat: #ty = &#kept;)
            }
            Form::Iterator => {
                quote!(let #pat = ::core::iter::IntoIterator::into_iter(#given);)
            }
        };
        quote!(#lend #bind)
    }
}

fn without_reference(ty: &Type) -> TokenStream {
    match peel_type(ty) {
        Type::Reference(reference) => elided(reference.elem.to_token_stream()),
        other => elided(other.to_token_stream()),
    }
}
