//! Writes the tokens of `#[cache_put]` and `#[cache_evict]`; nothing can fail here.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Type, parse_quote};

use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::body;
use crate::key::{CallKey, Part};

use super::model::{EvictModel, Evicted, PutKey, PutModel, Writing};

/// Writes a function that stores what it returns.
pub(super) fn put(model: &PutModel) -> TokenStream {
    let Writing {
        function,
        shell,
        cache,
        propagate,
        krate,
    } = &model.writing;
    let private = krate.private();
    let output = &model.output;
    let (cache_name, key) = (local("cache"), local("key"));
    let (write, out, outcome) = (local("write"), local("out"), local("outcome"));
    let find_cache = cache.expand(&private);
    let key_value = put_key(model, &private);
    let block = body::async_block(shell, output);
    let find_methods = body::outcome_of(output, &private, &outcome);
    let finish = finish_put(*propagate, output, &private);
    // The key is taken before the body, and the entry is given up when the future is dropped.
    // expands to:
    //     let _ = <Ret as K::CachedOutput>::from_payload;
    //     let outcome = …;
    //     let cache = K::cache(&self.cache);
    //     let key = …;
    //     let write = outcome.begin_put(cache, key).await;
    //     let out: Ret = async move { … }.await;
    //     outcome.finish_put(write, out).await
    let inner = quote! {
        #find_methods
        #find_cache
        let #key = #key_value;
        let #write = #outcome.begin_put(#cache_name, #key).await;
        let #out: #output = #block.await;
        #outcome.#finish.await
    };
    function.with_body(shell, &inner)
}

/// The last call of a put.
fn finish_put(propagate: Option<Span>, output: &Type, private: &TokenStream) -> TokenStream {
    let (write, out) = (local("write"), local("out"));
    if let Some(blame) = propagate {
        let carry = at(
            blame,
            quote!(<#output as #private::CarriesCacheError>::carry),
        );
        quote!(finish_put_or(#write, #out, #carry))
    } else {
        quote!(finish_put(#write, #out))
    }
}

/// The key of a put, if the arguments have it.
fn put_key(model: &PutModel, private: &TokenStream) -> TokenStream {
    match &model.key {
        PutKey::Written(written) => {
            let entity = body::entity_of(&model.output, private);
            let value = written_key(written, &model.writing, &entity);
            quote!(::core::option::Option::Some(#value))
        }
        PutKey::Offered(parts) => offered_key(parts, private, &model.output),
    }
}

/// Writes a function that removes what it changes.
pub(super) fn evict(model: &EvictModel) -> TokenStream {
    let Writing {
        function,
        shell,
        cache,
        propagate,
        krate,
    } = &model.writing;
    let private = krate.private();
    let output: Type = model.output.clone().unwrap_or_else(|| parse_quote!(()));
    let (write, out) = (local("write"), local("out"));
    let find_cache = cache.expand(&private);
    let begin = begin_evict(model, &private);
    let block = body::async_block(shell, &output);
    let finish = if let Some(blame) = *propagate {
        let carry = at(
            blame,
            quote!(<#output as #private::CarriesCacheError>::carry),
        );
        quote!(finish_or(#out, #carry))
    } else {
        quote!(finish(#out))
    };
    // expands to:
    //     let cache = K::cache(&self.cache);
    //     let write = …;
    //     let out: Ret = async move { … }.await;
    //     write.finish(out).await
    let inner = quote! {
        #find_cache
        let #write = #begin;
        let #out: #output = #block.await;
        #write.#finish.await
    };
    function.with_body(shell, &inner)
}

/// What is evicted, known before the body takes its arguments away.
fn begin_evict(model: &EvictModel, private: &TokenStream) -> TokenStream {
    let cache = local("cache");
    let tags = model.tags.iter().map(|tag| {
        let text = tag.expand(None, private);
        quote!(#private::Scopes::Tag(#text))
    });
    let tags: Vec<TokenStream> = tags.collect();
    // For an entity this is the type itself; for anything else, an error that silences those that
    // would follow.
    let entity_of = |entity| body::entity_of(entity, private);
    // expands to one of:
    //     K::Write::evict::<Employment>(cache, &{ … })
    //     K::Write::evict::<Employment>(cache, &{ … }).and_scopes(vec![K::Scopes::Tag({ … })])
    // K::Write::evict_scopes(cache, Some(<Employment as K::CacheEntity>::cache_prefix()),
    //     vec![K::Scopes::All])
    // { let mut writer = K::value_key(cache, "rates"); …; K::Write::evict_value(cache, "rates",
    //     &writer) }
    //     K::Write::evict_scopes(cache, Some("rates"), vec![K::Scopes::All])
    //     K::Write::evict_scopes(cache, None, vec![K::Scopes::Tag({ … })])
    match &model.what {
        Evicted::One { entity, key } => {
            let entity = entity_of(entity);
            let key = written_key(key, &model.writing, &entity);
            let scopes = (!tags.is_empty()).then(|| quote!(.and_scopes(::std::vec![#(#tags),*])));
            quote!(#private::Write::evict::<#entity>(#cache, &#key) #scopes)
        }
        Evicted::All { entity } => {
            let entity = entity_of(entity);
            quote! {
                #private::Write::evict_scopes(
                    #cache,
                    ::core::option::Option::Some(<#entity as #private::CacheEntity>::cache_prefix()),
                    ::std::vec![#private::Scopes::All #(, #tags)*],
                )
            }
        }
        Evicted::Value { prefix, key } => {
            let (writer, parts) = (local("writer"), key.expand(&local("writer"), private));
            let is_mut = key.is_mut();
            let scopes = (!tags.is_empty()).then(|| quote!(.and_scopes(::std::vec![#(#tags),*])));
            quote! {{
                let #is_mut #writer = #private::value_key(#cache, #prefix);
                #parts
                #private::Write::evict_value(#cache, #prefix, &#writer) #scopes
            }}
        }
        Evicted::AllValues { prefix } => quote! {
            #private::Write::evict_scopes(
                #cache,
                ::core::option::Option::Some(#prefix),
                ::std::vec![#private::Scopes::All #(, #tags)*],
            )
        },
        Evicted::Tags => quote! {
            #private::Write::evict_scopes(#cache, ::core::option::Option::None, ::std::vec![#(#tags),*])
        },
    }
}

/// The key as `#[cached]` writes it.
fn written_key(key: &CallKey, writing: &Writing, entity: &TokenStream) -> TokenStream {
    let private = writing.krate.private();
    let (cache, writer) = (local("cache"), local("writer"));
    let parens = writing.function.sig.paren_token.span.join();
    let statements = key.expand(&private, entity, &writer, parens);
    // expands to:
    //     {
    //         let mut writer = K::entity_key::<Employment, _>(cache);
    //         …
    //         writer
    //     }
    quote! {{
        let mut #writer = #private::entity_key::<#entity, _>(#cache);
        #statements
        #writer
    }}
}

/// Offers each parameter to the key, and takes the key if it became complete.
fn offered_key(parts: &[Part], private: &TokenStream, output: &Type) -> TokenStream {
    let (cache, slots) = (local("cache"), local("slots"));
    // All of it at the return type, like `entity_of`: what was blamed there is not reported again.
    let entity = body::entity_of(output, private);
    let extent = Extent::of(output);
    let new = quote_spanned!(extent.last=> ::new);
    let arg_type = at(extent.first, quote!(#private::PutArg));
    let begin = at(extent.first, quote!(#private::key_slots));
    let no_arguments = arguments_at(extent, TokenStream::new());
    let finish = spread(extent, quote!(#private::key_of_slots::));
    let finish_arguments = arguments_at(extent, quote!(#slots, #cache));
    let offers = parts.iter().map(|part| {
        let (hash, value, span) = (part.hash(), part.value(), part.type_span());
        let argument = arguments_at(extent, quote!(&#value));
        // At the parameter's type: it is to blame if its type does not fit.
        let offered = Ident::new("__cache_kit_offered", span);
        let place = quote_spanned!(span=> (&&&#offered).place);
        quote! {
            let #offered = #arg_type::<#entity, _, #hash> #new #argument;
            #place(&mut #slots);
        }
    });
    // The method that resolves with the fewest references says what a parameter can be.
    // expands to:
    //     {
    //         let mut slots = K::key_slots::<K::EntityOf<Ret>>();
    //         use K::{PlaceWhole as _, PlaceNamed as _, PlaceNone as _};
    //         let offered = K::PutArg::<K::EntityOf<Ret>, _, 0xHASH>::new(&employment);
    //         (&&&offered).place(&mut slots);
    //         K::key_of_slots(slots, cache)
    //     }
    let is_mut = (!parts.is_empty()).then(|| quote!(mut));
    quote! {{
        #[allow(unused_imports)]
        use #private::{PlaceNamed as _, PlaceNone as _, PlaceWhole as _};
        let #is_mut #slots = #begin::<#entity> #no_arguments;
        #(#offers)*
        #finish<#entity, _> #finish_arguments
    }}
}
