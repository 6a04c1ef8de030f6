use super::*;

#[test]
fn options_are_judged_by_name() {
    for (options, message) in [
        (quote!(prefix = "user"), "missing `key`; write `key = id`"),
        (
            quote!(key = id),
            "missing `prefix`; write `prefix = \"user\"`",
        ),
        (
            quote!(prefix = "u", key = id, strategy = Fresh),
            "`strategy` belongs on `#[cached]`",
        ),
        (
            quote!(prefix = "u", key = id, key = id),
            "`key` is set twice",
        ),
        (
            quote!(prefix = "u", key = id, tags = []),
            "`tags` names no tag; remove it, or write `tags = [\"…\"]`",
        ),
        (
            quote!(prefix = "u", key = id, codec = Jason),
            "there is no codec `Jason`; did you mean `Json`?\n\nhelp: it needs cache-kit's feature `json`; a codec of your own is `codec = self::Jason`",
        ),
        (
            quote!(prefix = "u", key = id, codec = 3),
            "`codec` is a type; write `codec = MessagePack`",
        ),
        (
            quote!(prefix = "u" key = id),
            "expected `,` before the next option",
        ),
        (
            quote!(prefix, key = id),
            "`prefix` needs a value; write `prefix = \"…\"`",
        ),
        (
            quote!(prefix = "u", key = id, key2 = HashMap<A, B>),
            "unknown option `key2`; did you mean `key`?",
        ),
    ] {
        assert_eq!(fault(&options), message);
    }
}

#[test]
fn values_are_judged() {
    for (options, message) in [
        (
            quote!(prefix = "", key = id),
            "`prefix` is empty; write `prefix = \"user\"`",
        ),
        (
            quote!(prefix = 7, key = id),
            "`prefix` is a string; write `prefix = \"7\"`",
        ),
        (
            quote!(prefix = user, key = id),
            "`prefix` is a string; write `prefix = \"user\"`",
        ),
        (
            quote!(prefix = "User", key = id),
            "a prefix is lowercase; write `prefix = \"user\"`",
        ),
        (
            quote!(prefix = "a b", key = id),
            "`prefix` has white space; write `prefix = \"a-b\"`",
        ),
        (
            quote!(prefix = "u", key = (id, id)),
            "`id` is in the key twice",
        ),
        (
            quote!(prefix = "u", key = "id"),
            "write `id` without quotes: `key = id`",
        ),
        (
            quote!(prefix = "u", key = 0),
            "`User` has named fields; write `key = id`",
        ),
        (
            quote!(prefix = "u", key = ()),
            "the key is empty; name at least one field: `key = id`",
        ),
        (
            quote!(prefix = "u", key = id, ttl = "0s"),
            "`ttl` is zero: nothing would be cached; remove it, or write `ttl = \"30s\"`",
        ),
        (
            quote!(prefix = "u", key = id, ttl = -1),
            "`ttl` cannot be negative",
        ),
        (
            quote!(prefix = "u", key = id, jitter = 2),
            "`jitter` is a fraction from 0 to 1; write `jitter = 0.1`",
        ),
        (
            quote!(prefix = "u", key = id, crate = kit),
            "`crate` path must be absolute; write `crate = ::kit`",
        ),
    ] {
        assert_eq!(fault(&options), message);
    }
    assert!(
        fault(&quote!(prefix = "u", key = score))
            .starts_with("`f64` cannot be part of a cache key")
    );
}

#[test]
fn other_shapes_are_refused() {
    for (item, message) in [
        (
            quote!(
                enum E {
                    A,
                }
            ),
            "`CacheEntity` supports structs, found an enum\n\nhelp: wrap it in a struct that has the key as a field",
        ),
        (
            quote!(union U { a: u8 }),
            "`CacheEntity` supports structs, found a union\n\nhelp: wrap it in a struct that has the key as a field",
        ),
        (
            quote!(
                struct S {
                    id: u8,
                }
            ),
            "missing `#[cache(prefix = \"s\", key = id)]`",
        ),
        (
            quote!(
                #[cache(prefix = "s", key = id)]
                struct S;
            ),
            "`S` has no field to key on",
        ),
        (
            quote!(
                #[cache(prefix = "s", key = id)]
                struct S(u8);
            ),
            "`S` is a tuple struct; write `key = 0`",
        ),
        (
            quote!(
                #[cache(prefix = "s", key = id)]
                struct S<'a> {
                    id: u8,
                    name: &'a str,
                }
            ),
            "cached values are owned; remove `'a`, and own what it borrows (`String` for `&'a str`)",
        ),
        (
            quote!(
                #[cache(prefix = "s", key = id)]
                struct S {
                    #[cache(ttl = "1s")]
                    id: u8,
                }
            ),
            "`ttl` belongs on the struct, not on a field",
        ),
        (
            quote!(
                #[cache[prefix = "s"]]
                struct S {
                    id: u8,
                }
            ),
            "options go in parentheses; write `#[cache(prefix = \"s\")]`",
        ),
    ] {
        assert_eq!(faults(item), [message]);
    }
}

fn stored(codec: &TokenStream, of_struct: &TokenStream, field: &TokenStream) -> Vec<String> {
    faults(quote!(
        #[cache(prefix = "user", key = id #codec)]
        #of_struct
        struct User {
            id: u64,
            #field
        }
    ))
}

#[test]
fn what_a_codec_without_names_cannot_store_is_refused() {
    for (field, written) in [
        (quote!(#[serde(flatten)] a: A), "`#[serde(flatten)]`"),
        (
            quote!(#[serde(default, skip_serializing_if = "f")] a: A),
            "`#[serde(skip_serializing_if = …)]`",
        ),
        (
            quote!(#[serde(default)] #[serde(skip_serializing)] a: A),
            "`#[serde(skip_serializing)]` without `skip_deserializing`",
        ),
        (
            quote!(#[serde(skip_deserializing)] a: A),
            "`#[serde(skip_deserializing)]` without `skip_serializing`",
        ),
    ] {
        for (codec, name) in [
            (quote!(), "Bincode"),
            (quote!(, codec = Bincode), "Bincode"),
            (quote!(, codec = Postcard), "Postcard"),
            (quote!(, codec = cache_kit::Postcard), "Postcard"),
            (quote!(, codec = ::kit::Bincode, crate = ::kit), "Bincode"),
        ] {
            let faults = stored(&codec, &quote!(), &field);
            let fact = format!("{written} cannot be stored with `{name}`\n");
            assert!(
                faults.len() == 1 && faults[0].starts_with(&fact),
                "{faults:?}"
            );
        }
        for codec in [
            quote!(, codec = MessagePack),
            quote!(, codec = Json),
            quote!(, codec = Own),
            quote!(, codec = self::Bincode),
            quote!(, codec = ::kit::Bincode),
        ] {
            assert_eq!(stored(&codec, &quote!(), &field), [""; 0]);
        }
    }
}

#[test]
fn what_is_stored_and_read_alike_is_not_refused() {
    for (of_struct, field) in [
        (quote!(), quote!(#[serde(skip)] a: A)),
        (
            quote!(),
            quote!(#[serde(skip_serializing, skip_deserializing)] a: A),
        ),
        (
            quote!(),
            quote!(#[serde(rename = "b", alias = "c", default, with = "d")] a: A),
        ),
        (
            quote!(#[serde(rename_all = "camelCase", deny_unknown_fields)]),
            quote!(a: A),
        ),
        // Then the struct's own fields are neither written nor read.
        (
            quote!(#[serde(from = "Raw", into = "Raw")]),
            quote!(#[serde(flatten)] a: A),
        ),
    ] {
        assert_eq!(stored(&quote!(), &of_struct, &field), [""; 0]);
    }
}

#[test]
fn a_codec_that_cannot_be_read_is_the_only_fault() {
    let faults = stored(
        &quote!(, codec = "Bincode"),
        &quote!(),
        &quote!(#[serde(flatten)] a: A),
    );
    assert_eq!(faults, ["`codec` is a type; write `codec = Bincode`"]);
}
