use quote::quote;
use syn::parse_quote;

use super::*;
use crate::options::CACHED;

fn shell(item: TokenStream) -> Result<Shell, Vec<String>> {
    let function = Function::from_syn(item, &CACHED).map_err(|error| vec![error.to_string()])?;
    let mut diagnostics = Diagnostics::new();
    let shell = function.shell(&CACHED, &mut diagnostics);
    diagnostics
        .finish(shell)
        .map_err(|faults| faults.messages())
}

fn output(item: TokenStream) -> String {
    shell(item).unwrap().output.to_token_stream().to_string()
}

#[test]
fn output_is_found_in_every_form() {
    let expected = quote!(Option<User>).to_string();
    for item in [
        quote!(
            async fn f() -> Option<User> {
                None
            }
        ),
        quote!(
            fn f() -> impl Future<Output = Option<User>> + Send {
                async move { None }
            }
        ),
        quote!(
            fn f<'a>(
                &'a self,
            ) -> ::core::pin::Pin<
                Box<dyn ::core::future::Future<Output = Option<User>> + ::core::marker::Send + 'a>,
            > {
                Box::pin(async move { None })
            }
        ),
        quote!(
            fn f() -> BoxFuture<'static, Option<User>> {
                let x = 1;
                Box::pin(async move { None })
            }
        ),
    ] {
        assert_eq!(output(item), expected);
    }
}

#[test]
fn wrapping_is_put_back() {
    let item = quote!(
        fn f() -> BoxFuture<'static, u8> {
            let x = 1;
            Box::pin(async move { x })
        }
    );
    let function = Function::from_syn(item.clone(), &CACHED).unwrap();
    let mut diagnostics = Diagnostics::new();
    let shell = function.shell(&CACHED, &mut diagnostics).unwrap();
    diagnostics.finish(Some(())).unwrap();
    let again = function.with_body(&shell, &quote!(x));
    assert_eq!(again.to_string(), item.to_string());
}

#[test]
fn what_returns_no_future_does_not_wait() {
    let of = |item| shell(item).unwrap().is_sync();
    assert!(of(quote!(
        fn f() -> u8 {
            1
        }
    )));
    assert!(!of(quote!(
        async fn f() -> u8 {
            1
        }
    )));
}

#[test]
fn other_forms_are_refused() {
    let refused = |item| shell(item).unwrap_err();
    assert_eq!(
        refused(quote!(
            fn f() -> impl Future<Output = u8> {
                std::future::ready(1)
            }
        ))
        .len(),
        1
    );
    assert_eq!(
        refused(quote!(
            struct S;
        )),
        ["`#[cached]` belongs on a function, found a struct"]
    );
    assert_eq!(
        refused(quote!(
            async fn f() -> u8;
        ))
        .len(),
        1
    );
    assert_eq!(
        refused(quote!(
            const fn f() -> u8 {
                1
            }
        ))
        .len(),
        1
    );
}

#[test]
fn inner_attributes_are_hoisted() {
    let item = quote!(
        async fn f() -> u8 {
            #![allow(unused)]
            1
        }
    );
    let function = Function::from_syn(item, &CACHED).unwrap();
    assert_eq!(function.attrs.len(), 1);
    assert_eq!(function.body.unwrap().stream().to_string(), "1");
}

#[test]
fn a_half_typed_body_is_no_error() {
    let item = quote!(async fn f() -> u8 { self. });
    assert!(Function::from_syn(item, &CACHED).is_ok());
}

#[test]
fn receivers_are_told_apart() {
    for (arg, hold) in [
        (quote!(&self), Hold::Shared),
        (quote!(&'a self), Hold::Shared),
        (quote!(&mut self), Hold::Mutable),
        (quote!(self: Pin<&mut Self>), Hold::Mutable),
        (quote!(self: Arc<Self>), Hold::Handle),
        (quote!(self: &Arc<Self>), Hold::Shared),
        (quote!(mut self), Hold::Value),
        (quote!(self: Box<Self>), Hold::Value),
    ] {
        let function = Function::from_syn(quote!(async fn f(#arg) {}), &CACHED).unwrap();
        assert_eq!(function.receiver().unwrap().hold, hold, "{arg}");
    }
}

#[test]
fn borrowed_outputs_are_seen() {
    let borrowed = |ty: Type| matches!(first_borrow(&ty), Some(Borrow::Lifetime(_)));
    assert!(borrowed(parse_quote!(&User)));
    assert!(borrowed(parse_quote!(Option<&'a User>)));
    assert!(borrowed(parse_quote!(Option<Cow<'_, str>>)));
    assert!(!borrowed(parse_quote!(Option<&'static User>)));
    assert!(!borrowed(parse_quote!(Result<Option<User>, Error>)));
    assert!(matches!(
        first_borrow(&parse_quote!(Option<impl Clone>)),
        Some(Borrow::ImplTrait(_))
    ));
}
