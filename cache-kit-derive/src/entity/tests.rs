use quote::quote;

use super::*;

mod faults;

fn faults(item: TokenStream) -> Vec<String> {
    let item: DeriveInput = syn::parse2(item).unwrap();
    match model(&item, &mut CratePath::default()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.messages(),
    }
}

fn fault(options: &TokenStream) -> String {
    let faults = faults(quote!(
        #[cache(#options)]
        struct User {
            id: u64,
            name: String,
            score: f64,
        }
    ));
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.concat()
}

#[test]
fn expansion_is_a_file() {
    for item in [
        quote!(
            #[cache(prefix = "user", key = id)]
            pub struct User {
                id: u64,
            }
        ),
        quote!(
            #[cache(prefix = "user", key = id, ttl = "1h", jitter = 0.1, negative_ttl = NEGATIVE)]
            struct User {
                id: String,
            }
        ),
        quote!(
            #[cache(prefix = "pair", key = (0, 1), version = 2, feeder = Feed)]
            struct Pair(u8, String);
        ),
        quote!(
            #[cache(prefix = "page", key = (id, r#type), crate = ::kit)]
            pub(crate) struct Page<P: Send, const N: usize>
            where
                P: Sync,
            {
                id: P,
                r#type: String,
                body: [P; N],
            }
        ),
        quote!(
            #[cache(prefix = "page", key = 0)]
            #[serde(rename_all = "camelCase", default = "page", bound = "P: Send")]
            struct Leaf<P: Send>(
                u8,
                #[cache(opaque)]
                #[serde(with = "body", rename = "b")]
                P,
                #[serde(skip)] usize,
            );
        ),
    ] {
        let expansion = derive(item);
        syn::parse2::<syn::File>(expansion.clone()).unwrap_or_else(|e| panic!("{e}: {expansion}"));
        assert!(!expansion.to_string().contains("compile_error"));
    }
}

#[test]
fn key_type_has_the_visibility_of_the_entity() {
    let item = quote!(
        #[cache(prefix = "a", key = (b, c))]
        pub(super) struct A {
            b: u8,
            c: u8,
        }
    );
    let expansion = derive(item).to_string();
    assert!(expansion.contains(&quote!(pub(super) struct AKey).to_string()));
    assert!(expansion.contains(&quote!(pub(super) struct AFeeder).to_string()));
}

#[test]
fn all_faults_are_reported_at_once() {
    let item = quote!(
        #[cache(prefix = "a:b", key = uid, ttl = 300)]
        struct User {
            id: u64,
        }
    );
    assert_eq!(
        faults(item),
        [
            "`:` separates the parts of a key; write `prefix = \"a-b\"`",
            "`User` has no field `uid`; did you mean `id`?",
            "`300` has no unit; write `\"300s\"`",
        ]
    );
}

#[test]
fn a_near_miss_is_not_called_missing() {
    assert_eq!(
        fault(&quote!(prefx = "user", key = id)),
        "unknown option `prefx`; did you mean `prefix`?"
    );
    assert_eq!(
        fault(&quote!(prefix = "user", ky = id)),
        "unknown option `ky`; did you mean `key`?"
    );
}

#[test]
fn a_faulty_entity_is_still_an_entity() {
    let expansion = derive(quote!(
        #[cache(prefix = 7, key = id, crate = ::kit)]
        struct User {
            id: u8,
        }
    ));
    let text = expansion.to_string();
    assert!(text.contains("compile_error"));
    assert!(text.contains(&quote!(impl ::kit::private::CacheEntity for User).to_string()));
    syn::parse2::<syn::File>(expansion).unwrap();
}

#[test]
fn sixteen_fields_are_enough() {
    let names = (0..17)
        .map(|n| quote::format_ident!("f{n}"))
        .collect::<Vec<_>>();
    let item = quote!(#[cache(prefix = "s", key = (#(#names),*))] struct S { #(#names: u8),* });
    assert_eq!(
        faults(item),
        ["a key has at most 16 fields, this one has 17"]
    );
}

#[test]
fn a_twin_has_what_serde_reads_of_a_field_but_the_type_of_an_opaque_one() {
    let expansion = derive(quote!(
        #[cache(prefix = "user", key = id)]
        #[serde(rename_all = "camelCase", default, crate = "kit::serde")]
        struct User {
            #[serde(with = "number")]
            id: u64,
            #[cache(opaque)]
            #[serde(rename = "prefs", with = "settings", default = "none")]
            settings: Settings,
            #[serde(skip)]
            seen: Seen,
        }
    ));
    let twin = quote!(
        #[serde(
            crate = "::cache_kit::private::serde",
            rename_all = "camelCase",
            rename(deserialize = "User")
        )]
        #[allow(dead_code, deprecated)]
        struct __CacheKitLayout {
            #[serde(with = "number")]
            id: u64,
            #[serde(rename = "prefs")]
            settings: ::cache_kit::private::Opaque,
        }
    );
    assert!(expansion.to_string().contains(&twin.to_string()));
}
