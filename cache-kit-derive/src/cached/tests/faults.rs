use super::*;

fn assert_faults<const N: usize>(cases: [(TokenStream, &str); N]) {
    for (item, message) in cases {
        assert_eq!(fault(TokenStream::new(), item), message);
    }
}

#[test]
fn items_are_judged() {
    assert_faults([
        (
            quote!(
                struct S;
            ),
            "`#[cached]` belongs on a function, found a struct",
        ),
        (
            quote!(
                async fn f(&self, id: u64) -> User;
            ),
            "`#[cached]` needs a body",
        ),
        (
            quote!(
                const fn f() -> User {
                    x
                }
            ),
            "`#[cached]` cannot be on a `const fn`; write `async fn`",
        ),
        (
            quote!(
                #[cached]
                async fn f(&self, id: u64) -> User {
                    x
                }
            ),
            "`#[cached]` is set twice",
        ),
        (
            quote!(
                #[cache_put]
                async fn f(&self, id: u64) -> User {
                    x
                }
            ),
            "`#[cached]` and `#[cache_put]` exclude each other",
        ),
    ]);
}

#[test]
fn parameters_are_judged() {
    assert_faults([
        (
            quote!(
                async fn f(id: u64) -> User {
                    x
                }
            ),
            "`#[cached]` cannot tell where the cache is",
        ),
        (
            quote!(
                async fn f(self, id: u64) -> User {
                    x
                }
            ),
            "a hit would drop `self`; take `&self`",
        ),
        (
            quote!(
                async fn f(&mut self, id: u64) -> User {
                    x
                }
            ),
            "a hit skips the mutation; take `&self`",
        ),
        (
            quote!(
                async fn f(&self, id: u64, out: &mut u8) -> User {
                    x
                }
            ),
            "a hit leaves `out` unwritten",
        ),
        (
            quote!(
                async fn f(&self, (a, b): (u8, u8)) -> User {
                    x
                }
            ),
            "this parameter has no name; name it, or write `key = …`",
        ),
        (
            quote!(
                async fn f(&self) -> User {
                    x
                }
            ),
            "no parameter is left to make the key of",
        ),
        (
            quote!(
                async fn f(&self, id: u64, #[cfg(a)] b: u8) -> User {
                    x
                }
            ),
            "a parameter under a `cfg` cannot be part of the key; write `skip(b)`",
        ),
    ]);
}

#[test]
fn outputs_are_judged() {
    assert_faults([
        (
            quote!(
                async fn f(&self, id: u64) {
                    x
                }
            ),
            "there is nothing to cache in `()`",
        ),
        (
            quote!(
                async fn f(&self, id: u64) -> Result<(), E> {
                    x
                }
            ),
            "there is nothing to cache in `()`",
        ),
        (
            quote!(
                async fn f(&self, id: u64) -> impl Sized {
                    x
                }
            ),
            "an `impl Trait` cannot be stored; name the type",
        ),
        (
            quote!(
                async fn f(&self, id: u64) -> Option<&User> {
                    x
                }
            ),
            "a borrowed value cannot be stored",
        ),
    ]);
}

#[test]
fn options_are_judged() {
    let item = quote!(
        async fn find(&self, id: u64, tenant: u8) -> Option<User> {
            None
        }
    );
    for (options, message) in [
        (
            quote!(strategey = Refresh),
            "unknown option `strategey`; did you mean `strategy`?",
        ),
        (
            quote!(strategy = "Refresh"),
            "write `Refresh` without quotes: `strategy = Refresh`",
        ),
        (
            quote!(strategy = Bypass, ttl = "1s"),
            "`ttl` has no effect with `Bypass`",
        ),
        (
            quote!(entity = User),
            "`entity` belongs on `#[cache_evict]`",
        ),
        (
            quote!(on_unreachable = ignore),
            "`on_unreachable` belongs on `#[cache_put]` and `#[cache_evict]`",
        ),
        (
            quote!(skip(tenat)),
            "there is no parameter `tenat`; did you mean `tenant`?",
        ),
        (
            quote!(skip = tenant),
            "`skip` is a list; write `skip(tenant)`",
        ),
        (
            quote!(key = ()),
            "the key is empty; write `key = …` with at least one parameter",
        ),
        (
            quote!(key = (id, f())),
            "this part of the key has no name; write `field = f ()`, with the name of the key's field",
        ),
        (
            quote!(ttl = "5 s"),
            "a duration has no spaces; write `\"5s\"`",
        ),
    ] {
        assert_eq!(fault(options, item.clone()), message);
    }
}
