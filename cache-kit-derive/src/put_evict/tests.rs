use quote::quote;

use super::*;

fn put_faults(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    let parsed = parse(attribute, item, &CACHE_PUT, PutModel::from_input);
    parsed.map_or_else(|faults| faults.messages(), |_| Vec::new())
}

fn evict_faults(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    let parsed = parse(attribute, item, &CACHE_EVICT, EvictModel::from_input);
    parsed.map_or_else(|faults| faults.messages(), |_| Vec::new())
}

fn text(expansion: &TokenStream) -> String {
    syn::parse2::<syn::ItemFn>(expansion.clone()).unwrap_or_else(|e| panic!("{e}: {expansion}"));
    expansion.to_string()
}

#[test]
fn put_offers_every_parameter_to_the_key() {
    let item = quote!(
        async fn save(&self, user: User, note: &str) -> Result<User, E> {
            Ok(user)
        }
    );
    let expansion = text(&annotate_put(TokenStream::new(), &item));
    assert_eq!(expansion.matches(". place (").count(), 2);
    assert!(expansion.contains("finish_put"));
}

#[test]
fn put_ignores_skipped_and_unnamed_parameters() {
    let item = quote!(
        async fn save(&self, (a, b): (u8, u8), user: User, note: &str) -> User {
            user
        }
    );
    let expansion = text(&annotate_put(quote!(skip(note)), &item));
    assert_eq!(expansion.matches(". place (").count(), 1);
}

#[test]
fn the_key_is_taken_before_the_body() {
    let item = quote!(
        async fn save(&self, user: User) -> User {
            BODY
        }
    );
    let expansion = text(&annotate_put(quote!(key = user.id), &item));
    let place = |word: &str| expansion.find(word).unwrap_or_else(|| panic!("no {word}"));
    assert!(place("write_whole_key") < place("BODY"));
    assert!(place("begin_put") < place("BODY"));
    assert!(place("BODY") < place("finish_put"));
}

#[test]
fn failures_are_propagated_only_where_that_is_asked() {
    let item = quote!(
        async fn save(&self, user: User) -> Result<User, E> {
            Ok(user)
        }
    );
    let expand = |attribute| text(&annotate_put(attribute, &item));
    assert!(!expand(TokenStream::new()).contains("CarriesCacheError"));
    assert!(!expand(quote!(on_unreachable = ignore)).contains("CarriesCacheError"));
    assert!(expand(quote!(on_unreachable = propagate)).contains("CarriesCacheError"));
}

#[test]
fn evict_takes_the_entity_however_it_is_passed() {
    for ty in [
        quote!(User),
        quote!(&User),
        quote!(Arc<User>),
        quote!(&std::sync::Arc<User>),
    ] {
        let item = quote!(async fn remove(&self, note: &str, user: #ty) { });
        let expansion = text(&annotate_evict(quote!(entity = User), &item));
        assert!(expansion.contains("write_entity_key"), "{ty}");
    }
}

#[test]
fn evict_else_takes_all_parameters() {
    let item = quote!(
        async fn remove(&self, person_id: &str, year: i32) -> Result<(), E> {
            Ok(())
        }
    );
    let expansion = text(&annotate_evict(quote!(entity = Employment), &item));
    assert_eq!(expansion.matches(". part ::").count(), 2);
    assert!(expansion.contains(". last :: < 2 >"));
}

#[test]
fn a_mutable_receiver_keeps_a_handle_of_the_cache() {
    let item = quote!(
        async fn remove(&mut self, id: u64) {}
    );
    let expansion = text(&annotate_evict(quote!(entity = User), &item));
    assert!(expansion.contains("Clone :: clone"));
}

#[test]
fn faults_of_put() {
    let item = |ret: TokenStream| quote!(async fn save(&self, user: User) #ret { x });
    let unit = "`#[cache_put]` needs the entity in the return type";
    for ret in [quote!(), quote!(-> ()), quote!(-> Result<(), E>)] {
        let faults = put_faults(TokenStream::new(), item(ret));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with(unit));
    }
    assert_eq!(
        put_faults(quote!(on_unreachable = "propagate"), item(quote!(-> User))),
        ["write `propagate` without quotes: `on_unreachable = propagate`"]
    );
    assert_eq!(
        put_faults(quote!(ttl = "1s"), item(quote!(-> User))),
        ["`ttl` belongs on `#[cached]` and on the entity's `#[cache(…)]`"]
    );
}

#[test]
fn faults_of_evict() {
    let item = || {
        quote!(
            async fn remove(&self, id: u64) {
                x
            }
        )
    };
    assert_eq!(
        evict_faults(TokenStream::new(), item()),
        ["cannot tell what to evict; add `entity = …`, the type whose entry is dropped"]
    );
    assert_eq!(
        evict_faults(quote!(entiy = User), item()),
        ["unknown option `entiy`; did you mean `entity`?"]
    );
    assert_eq!(
        evict_faults(
            quote!(entity = User),
            quote!(
                fn remove(&self, id: u64) {
                    x
                }
            )
        ),
        ["`#[cache_evict]` needs an `async fn`\n\nhelp: write `async fn remove`"]
    );
}
