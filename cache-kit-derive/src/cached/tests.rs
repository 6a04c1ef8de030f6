use quote::quote;

use super::*;

mod faults;

fn faults(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    match model(attribute, item) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.messages(),
    }
}

/// The first line of the only fault.
fn fault(attribute: TokenStream, item: TokenStream) -> String {
    let faults = faults(attribute, item);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].lines().next().unwrap_or_default().to_owned()
}

fn expand(attribute: TokenStream, item: &TokenStream) -> String {
    let expansion = annotate(attribute, item);
    syn::parse2::<syn::ItemFn>(expansion.clone()).unwrap_or_else(|e| panic!("{e}: {expansion}"));
    expansion.to_string()
}

#[test]
fn expansion_is_the_function_with_another_body() {
    let item = quote! {
        /// Finds.
        #[inline]
        pub(crate) async fn find<T>(&self, id: u64, r#type: &str) -> Result<Option<User>, T> where T: Send { None? }
    };
    let text = expand(quote!(strategy = Refresh, ttl = "1m", jitter = SOME), &item);
    let signature = quote!(pub(crate) async fn find<T>(&self, id: u64, r#type: &str) -> Result<Option<User>, T> where T: Send);
    assert!(text.contains(&signature.to_string()));
    assert!(text.contains("Finds"));
    assert!(!text.contains("answer_or"));
}

#[test]
fn a_strategy_that_may_be_fresh_needs_a_miss() {
    let item = quote!(
        async fn find(&self, id: u64, strategy: CacheStrategy) -> Option<User> {
            None
        }
    );
    for (strategy, has_miss) in [
        (quote!(Fresh), true),
        (quote!(strategy), true),
        (quote!(DEFAULT_STRATEGY), true),
        (quote!(CacheStrategy::Fresh), true),
        (quote!(Refresh), false),
        (quote!(CacheStrategy::Bypass), false),
    ] {
        let text = expand(quote!(strategy = #strategy, skip(strategy)), &item);
        assert_eq!(text.contains("answer_or"), has_miss, "{strategy}");
    }
}

#[test]
fn parameters_of_options_are_no_key_parts() {
    let item = quote!(
        async fn find(state: &State, id: u64, strategy: CacheStrategy) -> Option<User> {
            None
        }
    );
    let text = expand(quote!(cache = state.cache, strategy = strategy), &item);
    assert_eq!(text.matches(". part ::").count(), 1);
    assert!(text.contains("& id"));
}

#[test]
fn the_cache_is_found() {
    let found = |item: TokenStream, tokens: TokenStream| {
        let text = expand(TokenStream::new(), &item);
        assert!(text.contains(&tokens.to_string()), "{text}");
    };
    found(
        quote!(
            async fn f(&self, id: u64) -> User {
                x
            }
        ),
        quote!(cache(&self.cache)),
    );
    found(
        quote!(
            async fn f(cache: &C, id: u64) -> User {
                x
            }
        ),
        quote!(cache::<&C>(&cache)),
    );
    // The body takes these away.
    let cloned = quote!(&::core::clone::Clone::clone);
    found(
        quote!(
            async fn f(self: Arc<Self>, id: u64) -> User {
                x
            }
        ),
        cloned.clone(),
    );
    found(
        quote!(
            async fn f(cache: C, id: u64) -> User {
                x
            }
        ),
        cloned,
    );
}

#[test]
fn faults_of_options_and_item_come_together() {
    let item = quote!(
        async fn find(self, (a, b): (u8, u8)) -> () {}
    );
    let found = faults(quote!(strategey = Refresh, ttl = 3), item);
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn the_item_is_emitted_beside_its_faults() {
    let item = quote!(#[doc = "kept"] async fn find(id: u64) -> Option<User> { self. });
    let text = annotate(TokenStream::new(), &item).to_string();
    assert!(text.contains(&item.to_string()));
    assert!(text.contains("compile_error"));
}

#[test]
fn a_list_is_many_keys_through_an_alias_of_result() {
    for (output, is_many) in [
        (quote!(Vec<User>), true),
        (quote!(DbResult<Vec<User>>), true),
        (quote!(sqlx::Result<HashMap<u64, User>>), true),
        (quote!(Page<Vec<User>>), false),
        (quote!(Option<User>), false),
    ] {
        let item = quote!(
            async fn find(&self, ids: &[u64]) -> #output {
                x
            }
        );
        let text = expand(quote!(), &item);
        assert_eq!(text.contains("BatchOutput"), is_many, "{output}");
    }
}
