//! Writes the tokens of `#[cached]`; nothing can fail here.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use crate::blame::{Extent, arguments_at, at, local, spread};
use crate::body;
use crate::key::CallKey;

use super::index::Index;
use super::many;
use super::model::{Model, Strategy, Subject};
use super::refresh::Refresh;
use super::value::{self, Value};

/// Writes the function with a cache in front of its body.
pub(super) fn expand(model: &Model) -> TokenStream {
    let private = model.krate.private();
    match &model.subject {
        Subject::One(key) => Way::of_entity(key, model, &private).expand(model, &private),
        Subject::Value(value) => Way::of_value(value, model, &private).expand(model, &private),
        Subject::Index(index) => Way::of_index(index, model, &private).expand(model, &private),
        Subject::Many(keys) => many::expand(model, keys),
    }
}

/// How one thing is read: an entity, or the value of a function.
struct Way {
    /// Statements that say what is wrong with the output, and bind its methods.
    bind: TokenStream,
    /// Statements that write the key.
    key: TokenStream,
    /// Makes a `Call` of a strategy.
    begin: TokenStream,
    /// What can be asked about the output.
    probe: TokenStream,
    /// Whether what is returned is wrapped to be cached.
    is_wrapped: bool,
}

impl Way {
    fn of_entity(of: &CallKey, model: &Model, private: &TokenStream) -> Self {
        let output = &model.output;
        let (cache, key) = (local("cache"), local("key"));
        let entity = body::entity_of(output, private);
        let parens = model.function.sig.paren_token.span.join();
        let write = of.expand(private, &entity, &key, parens);
        Self {
            bind: body::outcome_of(output, private, &local("outcome")),
            key: quote!(let mut #key = #private::entity_key::<#entity, _>(#cache); #write),
            begin: quote!(#private::Call::<#output>::new),
            probe: quote!(#private::Probe::<#output>::new()),
            is_wrapped: false,
        }
    }

    fn of_value(of: &Value, model: &Model, private: &TokenStream) -> Self {
        let value = local("value");
        Self {
            bind: of.declare(&model.output, private),
            key: of.key(&local("cache"), &local("key"), private),
            begin: quote!(#value.call),
            probe: quote!(#value.probe()),
            is_wrapped: true,
        }
    }

    fn of_index(of: &Index, model: &Model, private: &TokenStream) -> Self {
        let output = &model.output;
        Self {
            bind: of.bind(output, private),
            key: of.key(&local("cache"), &local("key")),
            begin: quote!(#private::Call::<#output>::new),
            probe: quote!(#private::Probe::<#output>::new()),
            is_wrapped: false,
        }
    }

    fn expand(&self, model: &Model, private: &TokenStream) -> TokenStream {
        let (cache, key, call) = (local("cache"), local("key"), local("call"));
        let (hit, outcome) = (local("hit"), local("outcome"));
        let Self {
            bind, key: write, ..
        } = self;
        let find_cache = model.cache.expand(private);
        let plan = plan(model, &self.begin, &self.probe, private);
        let answer = self.returned(&quote!(#hit));
        // After the hit, which needs none.
        let tags = model.expand_tags(&call, private);
        let read = self.read(model, private);
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
        let inner = quote! {
            #bind
            #find_cache
            #write
            let #call = #plan;
            if let ::core::option::Option::Some(#hit) = #outcome.peek(#cache, &#key, &#call) {
                return #answer;
            }
            #tags
            #read
        };
        match model.refresh {
            Refresh::Inline => model.function.with_body(&model.shell, &inner),
            Refresh::Background(_) => model.function.with_settled_body(&model.shell, &inner),
        }
    }

    /// Statements that ask the cache, and the repository if need be.
    fn read(&self, model: &Model, private: &TokenStream) -> TokenStream {
        let (cache, key, call) = (local("cache"), local("key"), local("call"));
        let (load, outcome, refresh) = (local("body"), local("outcome"), local("refresh"));
        let output = &model.output;
        let unless = model.unless.as_ref();
        if model.shell.is_sync() {
            // expands to:
            //     K::at_once(cache);
            //     outcome.read_now(cache, key, call, || { … })
            let span = model.function.sig.fn_token.span;
            let at_once = at(span, quote!(#private::at_once));
            // Of the user's origin, or the attribute is blamed.
            let asked = Ident::new("__cache_kit_asked", span);
            let block = body::typed_block(&model.shell, &model.shell.block.stream(), output);
            let body = quote!((move || -> #output #block)());
            let body = if self.is_wrapped {
                value::wrap(&body, unless)
            } else {
                body
            };
            let read = self.returned(&quote!(#outcome.read_now(#cache, #key, #call, || #body)));
            return quote!(let #asked = #cache; #at_once(#asked); #read);
        }
        let loaded = |body: TokenStream| {
            if self.is_wrapped {
                value::load(&body, unless)
            } else {
                body
            }
        };
        let (bind, read) = match &model.refresh {
            Refresh::Inline => {
                let body = loaded(body::async_block(&model.shell, output));
                (
                    quote!(let #load = ::core::pin::pin!(#body);),
                    quote!(#outcome.read_through(#cache, #key, #call, #load).await),
                )
            }
            // With a body that can be called twice, where refreshes run without their callers.
            Refresh::Background(background) => (
                background.expand(model, &loaded, private),
                quote!(#outcome.refresh_through(#cache, #key, #call, #load, #refresh).await),
            ),
        };
        let read = self.returned(&read);
        quote!(#bind #read)
    }

    /// What the function returns, of what is cached.
    fn returned(&self, output: &TokenStream) -> TokenStream {
        let value = local("value");
        if self.is_wrapped {
            quote!(#value.unwrap(#output))
        } else {
            output.clone()
        }
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
        let bool = spread(Extent::of(condition), quote!(::core::primitive::bool));
        quote!(.only_if({
            let #holds: #bool = #condition;
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
        Strategy::Loading(expr) | Strategy::Dynamic(expr) => {
            let chosen = local("strategy");
            let ty = spread(Extent::of(expr), quote!(#private::CacheStrategy));
            quote!({
                let #chosen: #ty = #expr;
                #chosen
            })
        }
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
    let miss = if let Subject::Value(_) = &model.subject {
        let value = local("value");
        let returned = at(blame.first, quote!(#output));
        let ask = spread(blame, quote!(.miss::<#returned>()));
        quote! {{
            #[allow(unused_imports)]
            use #private::{MissSaid as _, MissUnsaid as _};
            (&&#value.missing()) #ask
        }}
    } else if let Strategy::Dynamic(_) = &model.strategy {
        spread(blame, quote!(<#output as #private::MaybeFresh>::miss))
    } else {
        spread(blame, quote!(<#output as #private::FreshOutput>::miss))
    };
    Some(quote!(.or_miss(#miss)))
}
