//! Writes the tokens of `#[cached]`; nothing can fail here.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::body;
use crate::key::CallKey;

use super::many;
use super::model::{Model, Strategy, Subject};
use super::refresh::Refresh;

/// Writes the function with a cache in front of its body.
pub(super) fn expand(model: &Model) -> TokenStream {
    match &model.subject {
        Subject::One(key) => expand_one(model, key),
        Subject::Many(keys) => many::expand(model, keys),
    }
}

fn expand_one(model: &Model, of: &CallKey) -> TokenStream {
    let private = model.krate.private();
    let output = &model.output;
    let entity = body::entity_of(output, &private);
    let (cache, key, call) = (local("cache"), local("key"), local("call"));
    let (hit, load, outcome) = (local("hit"), local("body"), local("outcome"));
    let find_cache = model.cache.expand(&private);
    let parens = model.function.sig.paren_token.span.join();
    let write_key = of.expand(&private, &entity, &key, parens);
    let plan = plan(
        model,
        &quote!(#private::Call::<#output>::new),
        &quote!(#private::Probe::<#output>::new()),
        &private,
    );
    let refresh = local("refresh");
    let (bind_body, read_through) = match &model.refresh {
        Refresh::Inline => {
            let block = body::async_block(&model.shell, output);
            (
                quote!(let #load = ::core::pin::pin!(#block);),
                quote!(read_through(#cache, #key, #call, #load)),
            )
        }
        Refresh::Background(background) => (
            background.expand(&model.shell, output, model.loads.retry.as_ref(), &private),
            quote!(refresh_through(#cache, #key, #call, #load, #refresh)),
        ),
    };
    let find_methods = body::outcome_of(output, &private, &outcome);
    // After the hit, which needs none.
    let tags = model.expand_tags(&call, &private);
    // expands to:
    //     let _ = <Ret as K::CachedOutput>::from_payload;
    //     let outcome = …;
    //     let cache = K::cache(&self.cache);
    //     let mut key = K::entity_key::<K::EntityOf<Ret>, _>(cache);
    //     …
    //     let call = K::Call::<Ret>::new(K::CacheStrategy::Refresh)…;
    //     if let Some(hit) = outcome.peek(cache, &key, &call) { return hit; }
    //     let call = call.tags(vec![{ … }]);
    //     let body = pin!(async move { … });
    //     outcome.read_through(cache, key, call, body).await
    // or, where refreshes run without their callers, with a body that can be called twice:
    //     …
    //     outcome.refresh_through(cache, key, call, body, refresh).await
    let inner = quote! {
        #find_methods
        #find_cache
        let mut #key = #private::entity_key::<#entity, _>(#cache);
        #write_key
        let #call = #plan;
        if let ::core::option::Option::Some(#hit) = #outcome.peek(#cache, &#key, &#call) {
            return #hit;
        }
        #tags
        #bind_body
        #outcome.#read_through.await
    };
    match model.refresh {
        Refresh::Inline => model.function.with_body(&model.shell, &inner),
        Refresh::Background(_) => model.function.with_settled_body(&model.shell, &inner),
    }
}

/// What this call asks of the cache. `begin` makes a `Call` of a strategy, `probe` what can be asked about its output.
pub(super) fn plan(
    model: &Model,
    begin: &TokenStream,
    probe: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let output = &model.output;
    let strategy = strategy(&model.strategy, private);
    let or_miss = or_miss(model, private);
    let lifetimes = model.lifetimes.expand_calls(private);
    let timeouts = model.loads.expand_calls(output, private);
    let condition = model.condition.as_ref().map(|condition| {
        let holds = local("holds");
        quote!(.only_if({
            let #holds: ::core::primitive::bool = #condition;
            #holds
        }))
    });
    let is_one = matches!(model.subject, Subject::One(_));
    let unless = model.unless.as_ref().filter(|_| is_one).map(|test| {
        let found = local("found");
        let unless = spread(Extent::of(test), quote!(#private::unless));
        let extent = Extent::of(test);
        let arguments = arguments_at(extent, quote!(#found, #test));
        let parameter = quote_spanned!(extent.first=> |#found: &#output|);
        quote!(.unless(#parameter #unless #arguments))
    });
    // The method that resolves with the fewest references says what the output's error can do.
    // expands to:
    //     K::Call::<Ret>::new(strategy)
    //         .or_miss(<Ret as K::FreshOutput>::miss)
    //         .ttl(Duration::new(60, 0))
    //         .only_if(id > 0)
    //         .unless(|found: &Ret| K::unless(found, |user| user.is_draft))
    //         .sharing({ use K::{…}; (&&&&K::Probe::<Ret>::new()).sharing() })
    //         .carrying({ use K::{…}; (&&K::Probe::<Ret>::new()).carrying() })
    //         .saying({ use K::{…}; (&&&K::Probe::<Ret>::new()).saying() })
    quote! {
        #begin(#strategy)
            #or_miss
            #lifetimes
            #timeouts
            #condition
            #unless
            .sharing({
                use #private::{ShareClone as _, ShareInto as _, ShareNone as _, ShareSaid as _};
                (&&&&#probe).sharing()
            })
            .carrying({
                use #private::{CarryInto as _, CarryNone as _};
                (&&#probe).carrying()
            })
            .saying({
                use #private::{SaysDisplayed as _, SaysNothing as _, SaysShown as _};
                (&&&#probe).saying()
            })
    }
}

fn strategy(strategy: &Strategy, private: &TokenStream) -> TokenStream {
    match strategy {
        Strategy::Default => quote!(#private::CacheStrategy::Refresh),
        Strategy::Variant(ident) => {
            let private = at(ident.span(), private.clone());
            quote_spanned!(ident.span()=> #private::CacheStrategy::#ident)
        }
        Strategy::Loading(expr) | Strategy::Dynamic(expr) => quote!(#expr),
    }
}

/// How to say "miss", where the strategy may not load. Blamed on the strategy: it is what asks.
fn or_miss(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    // What many keys come to can always say that there is nothing.
    if !model.strategy.may_be_fresh() || matches!(model.subject, Subject::Many(_)) {
        return None;
    }
    let output = &model.output;
    let blame = match &model.strategy {
        Strategy::Variant(ident) => Extent::of(ident),
        Strategy::Loading(expr) | Strategy::Dynamic(expr) => Extent::of(expr),
        Strategy::Default => Extent::of(output),
    };
    let miss = spread(blame, quote!(<#output as #private::FreshOutput>::miss));
    Some(quote!(.or_miss(#miss)))
}
