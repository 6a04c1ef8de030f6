//! Writes the tokens of a function of many keys; nothing can fail here.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Pat, Type};

use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::body;
use crate::signature::{elided, peel_type};

use super::super::expand::{call, make_edge};
use super::super::model::Model;
use super::super::refresh::{this, with_this};
use super::{Element, Form, Keys, Other};

/// Writes the function with a cache in front of its body.
pub(in crate::cached) fn expand(model: &Model, keys: &Keys) -> TokenStream {
    let private = model.krate.private();
    let output = &model.output;
    let (cache, edge, outcome) = (local("cache"), local("edge"), local("outcome"));
    let (asked, batch, load) = (local("asked"), local("batch"), local("load"));
    let (missing, body, out) = (local("missing"), local("body"), local("out"));
    let (call_name, failed) = (local("call"), local("failed"));
    let check = keys.check(output, &private);
    let find_cache = model.cache.expand(&private);
    let make_edge = make_edge(&outcome, &quote!(#outcome.probe()), &private);
    let ask = keys.ask();
    let call = call(model, &private);
    let tags = model.expand_tags(&call_name, &private);
    let function = keys.body(model, &private);
    let bring = match unless(model, &private) {
        None => quote!(land(#out)),
        Some(unless) => quote!(land_unless(#out, #unless)),
    };
    // The body runs again for keys that another call was loading and did not bring.
    // expands to:
    //     let _ = <Ret as K::BatchOutput>::into_result;
    //     …
    //     let cache = K::cache(&self.cache);
    //     let edge = outcome.edge(…);
    //     let call = K::Call::new(K::CacheStrategy::Refresh)…;
    //     let mut batch = edge.begin(cache, outcome.asked(ids), call);
    //     let mut load = |missing: Vec<_>| async move { let ids: &[u64] = &missing; … };
    //     while batch.has_more().await {
    //         let mut body = Box::pin(load(batch.missing()));
    //         let out = batch.run(body.as_mut()).await;
    //         drop(body);
    //         if let Some(failed) = batch.land(out).await { return failed; }
    //     }
    //     batch.finish()
    let bind_retry = model.loads.retry.as_ref().map(|retry| retry.bind(&private));
    let lend = keys.lend(&private);
    let inner = quote! {
        #check
        #find_cache
        #make_edge
        let #asked = #ask;
        let #call_name = #call;
        #tags
        let mut #batch = #edge.begin(#cache, #asked, #call_name);
        #bind_retry
        #lend
        let #load = #function;
        while #batch.has_more().await {
            let #missing = #batch.missing();
            let mut #body = ::std::boxed::Box::pin(#load(#missing));
            let #out = #batch.run(#body.as_mut()).await;
            ::core::mem::drop(#body);
            if let ::core::option::Option::Some(#failed) = #batch.#bring.await {
                return #failed;
            }
        }
        #batch.finish()
    };
    model.function.with_settled_body(&model.shell, &inner)
}

/// Says of which entities nothing is stored.
fn unless(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    let test = model.unless.as_ref()?;
    let (outcome, found) = (local("outcome"), local("found"));
    let extent = Extent::of(test);
    let unless = spread(extent, quote!(#private::unless_entity));
    let arguments = arguments_at(extent, quote!(#found, #test));
    let parameter = quote_spanned!(extent.first=> |#found|);
    Some(quote!(#outcome.unless(#parameter #unless #arguments)))
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
    pub(in crate::cached) fn is_named(&self, name: &Ident) -> bool {
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
