//! What the macro says of a block, and what it makes of one.

use proc_macro2::TokenStream;
use quote::quote;

use super::*;

fn faults(attribute: TokenStream, item: TokenStream) -> Vec<String> {
    let block = Block::from_syn(item).expect("a block");
    let faults = match model(attribute, &block) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.messages(),
    };
    let first_line = |fault: &String| fault.lines().next().unwrap_or_default().to_owned();
    faults.iter().map(first_line).collect()
}

fn expanded(attribute: TokenStream, item: &TokenStream) -> Vec<syn::Item> {
    let tokens = annotate(attribute, item);
    syn::parse2::<syn::File>(tokens).expect("items").items
}

#[test]
fn a_block_of_its_own_keeps_its_twins_and_one_of_a_trait_has_them_beside_it() {
    let find = quote!(
        #[cached]
        async fn find(&self, id: u64) -> Option<User> {
            None
        }
    );
    let own = expanded(quote!(), &quote!(impl Users { #find const A: u8 = 1; }));
    assert_eq!(own.len(), 2, "the block, and the repository");
    let of_trait = expanded(quote!(), &quote!(impl Find for Users { #find }));
    assert_eq!(of_trait.len(), 3);
    let syn::Item::Impl(block) = &own[0] else {
        panic!("a block");
    };
    assert_eq!(block.items.len(), 3);
}

#[test]
fn faults_of_the_block_are_told_all_at_once() {
    let block = quote! {
        impl Users {
            #[cached]
            async fn find(&self, id: u64) -> Option<User> { None }
            #[cached]
            async fn find_like(&self, id: u64) -> Result<Option<Arc<User>>, Error> { None }
            #[cache(excempt)]
            fn count(&self) -> usize { 0 }
            fn rename(&self) {}
        }
    };
    let told = faults(quote!(audit, color), block);
    assert_eq!(
        told,
        [
            "unknown option `color`; expected one of `audit`, `finder` and `crate`",
            "`rename` neither reads, puts nor evicts",
            "unknown option `excempt`; did you mean `exempt`?",
            "`find` and `find_like` both load `User` by its key",
        ]
    );
}

#[test]
fn what_cached_has_to_say_is_not_said_twice() {
    let block = quote! {
        impl Users {
            #[cached(stratgy = Fresh)]
            async fn find(&self, id: u64) -> Option<User> { None }
        }
    };
    assert_eq!(faults(quote!(), block), [""; 0]);
}

#[test]
fn another_item_is_named() {
    let told = |item| Block::from_syn(item).unwrap_err().to_string();
    let belongs = "`#[cache_repository]` belongs on an `impl` block, found";
    assert_eq!(
        told(quote!(
            struct Users {
                id: u64,
            }
        )),
        format!("{belongs} a struct")
    );
    assert_eq!(
        told(quote!(
            struct Users;
        )),
        format!("{belongs} a struct")
    );
    assert_eq!(
        told(quote!(
            fn find() {}
        )),
        format!("{belongs} a function")
    );
    assert_eq!(
        told(quote!(
            trait Find {}
        )),
        format!("{belongs} a trait")
    );
}
