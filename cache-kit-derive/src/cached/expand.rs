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
use super::value::Value;

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
    /// Statements that say what is wrong with the output, and bind what makes its edge.
    bind: TokenStream,
    /// What that is bound to.
    outcome: Ident,
    /// Statements that write the key.
    key: TokenStream,
    /// What can be asked about the output's error.
    probe: TokenStream,
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
            outcome: local("outcome"),
            key: quote!(let mut #key = #private::entity_key::<#entity, _>(#cache); #write),
            probe: quote!(#private::Probe::<#output>::new()),
        }
    }

    fn of_value(of: &Value, model: &Model, private: &TokenStream) -> Self {
        let value = local("value");
        Self {
            bind: of.declare(&model.output, private),
            key: of.key(&local("cache"), &local("key"), private),
            probe: quote!(#value.probe()),
            outcome: value,
        }
    }

    fn of_index(of: &Index, model: &Model, private: &TokenStream) -> Self {
        let output = &model.output;
        Self {
            bind: of.bind(output, private),
            outcome: local("outcome"),
            key: of.key(&local("cache"), &local("key")),
            probe: quote!(#private::Probe::<#output>::new()),
        }
    }

    fn expand(&self, model: &Model, private: &TokenStream) -> TokenStream {
        let (cache, key, edge) = (local("cache"), local("key"), local("edge"));
        let (hit, asked) = (local("hit"), local("asked"));
        let Self {
            bind, key: write, ..
        } = self;
        let find_cache = model.cache.expand(private);
        let make_edge = make_edge(&self.outcome, &self.probe, private);
        let call = call(model, private);
        // After the hit, which needs none.
        let tags = model.expand_tags(&asked, private);
        let read = Self::read(model, private);
        // The key's text is gone before anything is awaited.
        // expands to:
        //     let _ = <Ret as K::CachedOutput>::from_payload;
        //     let outcome = …;
        //     let cache = K::cache(&self.cache);
        //     let edge = outcome.edge(…);
        //     let asked = {
        //         let mut key = K::entity_key::<K::EntityOf<Ret>, _>(cache);
        //         …
        //         match edge.peek(cache, &key, K::Call::new(K::CacheStrategy::Refresh)…) {
        //             Ok(hit) => return hit,
        //             Err(asked) => asked,
        //         }
        //     };
        //     let asked = asked.tags(vec![{ … }]);
        //     …
        let inner = quote! {
            #bind
            #find_cache
            #make_edge
            let #asked = {
                #write
                match #edge.peek(#cache, &#key, #call) {
                    ::core::result::Result::Ok(#hit) => return #hit,
                    ::core::result::Result::Err(#asked) => #asked,
                }
            };
            #tags
            #read
        };
        match model.refresh {
            Refresh::Inline => model.function.with_body(&model.shell, &inner),
            Refresh::Background(_) => model.function.with_settled_body(&model.shell, &inner),
        }
    }

    /// Statements that ask the cache, and the repository if need be.
    fn read(model: &Model, private: &TokenStream) -> TokenStream {
        let (edge, asked) = (local("edge"), local("asked"));
        let (load, turn, out) = (local("body"), local("turn"), local("out"));
        let (answer, reload) = (local("answer"), local("reload"));
        if model.shell.is_sync() {
            return Self::read_now(model, private);
        }
        let output = or_miss(model, private).map_or_else(
            || quote!(#edge.answer(#answer)),
            |miss| quote!(#edge.answer_or(#answer, #miss)),
        );
        let answered = quote! {
            ::core::result::Result::Ok(#turn) => #turn,
            ::core::result::Result::Err(#answer) => return #output,
        };
        let unless = unless(model, private);
        let land = match &unless {
            None => quote!(#edge.land(#turn, #out)),
            Some(unless) => quote!(#edge.land_unless(#turn, #out, #unless)),
        };
        // With a body that can be called twice, where refreshes run without their callers.
        let (bind, begin, body) = match &model.refresh {
            Refresh::Inline => (
                None,
                quote!(match #edge.begin(#asked).await { #answered }),
                body::async_block(&model.shell, &model.output),
            ),
            Refresh::Background(background) => {
                let refresh = background.refresh(model, private);
                let make = match &unless {
                    None => quote!(#edge.reload(#refresh)),
                    Some(unless) => quote!(#edge.reload_unless(#refresh, #unless)),
                };
                let begin = quote!({
                    let #reload = #make;
                    match #edge.begin_or_refresh(#asked, &#reload).await { #answered }
                });
                let bind = background.bind(model, private);
                (Some(bind), begin, background.call(model, private))
            }
        };
        // The body is declared after the turn: whoever hangs up drops the load before handing over.
        // expands to:
        //     let mut turn = match edge.begin(asked).await {
        //         Ok(turn) => turn,
        //         Err(answer) => return edge.answer(answer),
        //     };
        //     let mut body = Box::pin(async move { … });
        //     let out = turn.run(body.as_mut()).await;
        //     drop(body);
        //     edge.land(turn, out).await
        quote! {
            #bind
            let mut #turn = #begin;
            let mut #load = ::std::boxed::Box::pin(#body);
            let #out = #turn.run(#load.as_mut()).await;
            ::core::mem::drop(#load);
            #land.await
        }
    }

    /// The same of a function that does not wait.
    fn read_now(model: &Model, private: &TokenStream) -> TokenStream {
        // expands to:
        //     K::at_once(cache);
        //     edge.read_now(asked, || (move || -> Ret { … })())
        let (cache, edge, asked) = (local("cache"), local("edge"), local("asked"));
        let output = &model.output;
        let span = model.function.sig.fn_token.span;
        let at_once = at(span, quote!(#private::at_once));
        // Of the user's origin, or the attribute is blamed.
        let checked = Ident::new("__cache_kit_asked", span);
        let block = body::typed_block(&model.shell, &model.shell.block.stream(), output);
        let body = quote!(|| (move || -> #output #block)());
        let read = match unless(model, private) {
            None => quote!(#edge.read_now(#asked, #body)),
            Some(unless) => quote!(#edge.read_now_unless(#asked, #body, #unless)),
        };
        quote!(let #checked = #cache; #at_once(#checked); #read)
    }
}

/// The test of what is not to be stored, of the output itself where that is an entity's.
fn unless(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    let test = model.unless.as_ref()?;
    if !matches!(model.subject, Subject::One(_)) {
        return Some(quote!(#test));
    }
    // expands to:
    //     |found: &Ret| K::unless(found, |user| user.is_draft)
    let (output, found) = (&model.output, local("found"));
    let extent = Extent::of(test);
    let unless = spread(extent, quote!(#private::unless));
    let arguments = arguments_at(extent, quote!(#found, #test));
    let parameter = quote_spanned!(extent.first=> |#found: &#output|);
    Some(quote!(#parameter #unless #arguments))
}

/// The statement that binds the edge: between the output and the engine, which knows no types.
pub(super) fn make_edge(
    outcome: &Ident,
    probe: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    // The method that resolves with the fewest references says what the output's error can do.
    // expands to:
    //     let edge = {
    //         use K::{…};
    //         let probe = &&&&K::Probe::<Ret>::new();
    //         outcome.edge(probe.sharing(), probe.carrying(), probe.saying())
    //     };
    let (edge, probed) = (local("edge"), local("probe"));
    quote! {
        let #edge = {
            #[allow(unused_imports)]
            use #private::{
                CarryInto as _, CarryNone as _, SaysDisplayed as _, SaysNothing as _,
                SaysShown as _, ShareClone as _, ShareInto as _, ShareNone as _, ShareSaid as _,
            };
            let #probed = &&&&#probe;
            #outcome.edge(#probed.sharing(), #probed.carrying(), #probed.saying())
        };
    }
}

/// What this call asks of the cache.
pub(super) fn call(model: &Model, private: &TokenStream) -> TokenStream {
    let output = &model.output;
    let strategy = strategy(&model.strategy, private);
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
    // expands to:
    //     K::Call::new(strategy)
    //         .ttl(Duration::new(60, 0))
    //         .only_if(id > 0)
    quote!(#private::Call::new(#strategy) #lifetimes #timeouts #condition)
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
    Some(miss)
}
