//! The macros of `cache-kit`; use them through that crate, which re-exports them.
//!
//! [`CacheEntity`](macro@CacheEntity) says on a type *what* is cached; [`macro@cached`],
//! [`macro@cache_put`] and [`macro@cache_evict`] say on functions *where* it is read and written.
//! Each reports all faults of its item at once, on the token that is wrong, with what to write
//! instead; the rest is checked by the compiler: names and types of key parameters, return types,
//! and that constants are durations.
//!
//! Inside, each macro is the same three steps: tokens are read into an input (every option
//! optional, with its name to blame), the input is checked into a model (which cannot be wrong),
//! and the model is written as tokens (which cannot fail). Generated code names the runtime only
//! through its module `private`.
//!
//! `CACHE_KIT_DEBUG=1 cargo build` prints what they write; `CACHE_KIT_DEBUG=find` only of what is
//! called so.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod blame;
mod body;
mod cached;
mod crate_path;
mod debug;
mod diagnostics;
mod duration;
mod entity;
#[cfg(test)]
mod expansions;
mod fallback;
mod key;
mod key_part;
mod lifetimes;
mod messages;
mod options;
mod prefix;
mod put_evict;
mod repository;
mod signature;
mod suggest;
mod tags;

use proc_macro::TokenStream;

/// Derives `CacheEntity` for a struct: its prefix, its key, and how long it lives.
///
/// The struct must be `Clone + Send + Sync + Serialize + DeserializeOwned + 'static`; generics and
/// where clauses are carried over.
///
/// # Generated
///
/// - `impl CacheEntity for User`.
/// - For a key of several fields, `UserKey` with these fields, with the struct's visibility: `new`,
///   `From` a tuple, `Display` and `FromStr`, comparison, hashing, and serde. For a key of one
///   field, that field's type is the key.
/// - `UserFeeder { key, entity }`, a `CacheFeed<User>`.
///
/// # Options of `#[cache(…)]`
///
/// | option | example | meaning |
/// | --- | --- | --- |
/// | `prefix` | `prefix = "user"` | required; the namespace of these entities: lowercase, without `:`, `%`, braces and white space |
/// | `key` | `key = id`, `key = (person_id, year)`, `key = 0` | required; the fields that name one entity, at most 16; indices in a tuple struct |
/// | `ttl` | `ttl = "1h30m"`, `ttl = HOUR` | how long a value is fresh |
/// | `negative_ttl` | `negative_ttl = "30s"` | how long "there is none" is remembered; without it, it is not |
/// | `jitter` | `jitter = 0.1` | the fraction, from 0 to 1, that is taken off each TTL at random |
/// | `stale_while_revalidate` | `stale_while_revalidate = "5m"` | for how long after its TTL a value is returned at once while the next is loaded, once for all |
/// | `stale_if_error` | `stale_if_error = "1d"` | for how long after its TTL a value is returned where the load of the next fails |
/// | `early_refresh` | `early_refresh = 1.0` | has a value that is asked for often be loaded again before its TTL ends (`XFetch`); more is earlier |
/// | `error_throttle` | `error_throttle = "10s"` | how long a key is not asked for again after that; 5 s by default |
/// | `tags` | `tags = ["person:{person_id}"]` | what an entity can be dropped by, beside its key and prefix: a place is a field, written as `Display` does; braces are doubled |
/// | `codec` | `codec = MessagePack` | how a byte store keeps the entity: one of `Bincode`, `Json`, `MessagePack`, `Postcard`, or any type that is a `Codec` |
/// | `version` | `version = 2` | raise it when the meaning of a field changes: older entries are misses then |
/// | `feeder` | `feeder = UserSlot` | the feeder's name |
/// | `index` | `index(email, phone)` | other fields that name one entity, for `#[cached(index = email)]`; each makes a type, `UserByEmail`, that is a `CacheIndex`. A field may be an `Option` |
/// | `crate` | `crate = ::kit` | the absolute path of `cache-kit`, where it was renamed |
///
/// A duration is a string of whole numbers with units (`ns`, `us`, `ms`, `s`, `m` or `min`, `h`,
/// `d`, `w`) without spaces, or a constant expression of type `Duration`. A TTL of zero is an
/// error; of the others zero is "not at all".
///
/// A part of a key is any `KeyPart`: integers, strings, `bool`, `char` and more, not floats,
/// options or collections.
///
/// # On a field
///
/// `#[cache(opaque)]` keeps the field's type out of the fingerprint by which a byte store tells the
/// layouts of a type apart: a change of that type, or of how serde reads it, is not seen, and older
/// entries are decoded as they are. The field's name and place are seen, and it is stored as usual.
/// Making a field opaque is itself a change of the layout. It has no effect on the same type
/// further within itself, and none where `Deserialize` was written by hand and does not read a
/// struct of these fields.
///
/// # Codecs without field names
///
/// `Bincode` (which a store has unless told otherwise) and `Postcard` store fields by their order
/// alone. With them, `flatten`, `tag`, `untagged` and `skip_serializing_if` of `#[serde(…)]` are
/// compile errors on the struct and its fields, as are `skip_serializing` and `skip_deserializing`
/// without the other. Choose a codec with names (`codec = MessagePack`, `codec = Json`); of a codec
/// of your own nothing is assumed. What is within `cfg_attr` counts where it applies. Types within
/// the struct are not seen: where one of them has such an attribute, choose such a codec as well.
///
/// # Limits
///
/// A module under `#![no_implicit_prelude]` cannot hold the struct: the messages about key
/// parameters are made with `#[diagnostic::on_unimplemented]`, which the compiler does not find
/// there. The other macros work there.
#[proc_macro_derive(CacheEntity, attributes(cache))]
pub fn derive_cache_entity(item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, entity::derive(item.clone())).into()
}

/// Derives `KeyPart` for a newtype: it is written into a key, and read back, as what it wraps.
///
/// The struct has one field, with a name or without, whose type is a `KeyPart`.
/// `#[cache(crate = ::kit)]` names the crate where it was renamed.
#[proc_macro_derive(KeyPart, attributes(cache))]
pub fn derive_key_part(item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, key_part::derive(item.clone())).into()
}

/// Puts a cache in front of a function that loads an entity, many, or any other value.
///
/// The function keeps its signature, its error type, its docs and its attributes. On a hit the body
/// does not run; on a miss it runs at most once at a time for one key, and what it returns is
/// stored.
///
/// It goes on free functions, methods, methods of trait impls (native or below `#[async_trait]`),
/// and functions that return `impl Future` or a boxed future made of one `async move` block. It may
/// return `T`, `Arc<T>`, `Option<T>`, `Option<Arc<T>>` of an entity, an `Outcome` of one of these,
/// which tells where it comes from, a `Cached`, which says how long this one lives, or a `Result`
/// of any of these, through any alias.
///
/// # Many keys
///
/// A function that returns a `Vec` of entities (of `Arc`s or `Option`s of them), or a `HashMap` or
/// `BTreeMap` from keys to them, takes its keys as a slice, a collection or an iterator. The body
/// is called once with those that are missing, and again only for keys that another caller was
/// loading and did not bring; a parameter it takes by value is cloned for it. A `Vec` has the order
/// of the keys, and their duplicates.
///
/// # Values
///
/// With `prefix = "rates"` the function may return any value that is
/// `Clone + Serialize + DeserializeOwned + Send + Sync`, in the same wrappers. The key is made of
/// the parameters, each a `KeyPart`, or of the parts of `key = (…)`. A list of entities carries
/// their tags.
///
/// # Other fields
///
/// With `index = email` the parameter is a field that the entity has declared with `index(email)`.
///
/// # Without waiting
///
/// A function that is not `async` needs the in-memory backend. It blocks its thread while another
/// thread loads the same key, for the flight's deadline at most; a finder of an entity that is
/// called on a runtime's thread does not, and loads for itself.
///
/// # Where the cache is
///
/// At `cache = <expression>`, else at a parameter named `cache`, else at `self.cache`.
///
/// # What the key is
///
/// At `key = …`, else all parameters but the receiver, the cache, those in `skip(…)` and those that
/// `strategy` and `cache` read. A parameter that a written `key` leaves out has to be in `skip(…)`.
/// One argument is the whole key, under any name. Several are named like the entity's key fields,
/// in the same order: another name, a missing one or one too many is a compile error.
///
/// # Options
///
/// | option | example | meaning |
/// | --- | --- | --- |
/// | `prefix` | `prefix = "rates"` | what is returned is no entity, and cached under this prefix, which is this function's alone |
/// | `index` | `index = email` | the entity is found by this field |
/// | `strategy` | `strategy = Fresh` | `Refresh` (the default), `Fresh`, `Invalidate`, `Bypass`, or any expression of type `CacheStrategy` |
/// | `cache` | `cache = self.store` | where the cache is |
/// | `key` | `key = request.id`, `key = (person_id = id, request.year)` | the whole key, or its parts: `name = expression`, or an expression that ends in the name |
/// | `skip` | `skip(connection)` | parameters that are no part of the key |
/// | `ttl`, `negative_ttl`, `jitter`, `stale_while_revalidate`, `stale_if_error`, `error_throttle`, `early_refresh` | `ttl = "10s"` | instead of the entity's |
/// | `soft_timeout` | `soft_timeout = "50ms"` | after how long a caller who could have a stale value has it; the load goes on in a task, and is stored |
/// | `hard_timeout` | `hard_timeout = "2s"` | after how long a load, its retries included, has failed with `cache_kit::Error::Timeout`, which the error type must take (`From`) |
/// | `retry` | `retry = 3` | how often a load that failed is tried again: a number, or a `Retry` |
/// | `retry_if` | `retry_if = \|error\| error.is_timeout()` | after which failures; needed unless the error is `cache_kit::Error`, which knows which are transient |
/// | `condition` | `condition = id > 0` | where it does not hold, the cache is left alone: nothing is looked up and nothing stored |
/// | `unless` | `unless = \|user\| user.is_draft` | a closure over what was loaded (without its `Result`): where it holds, nothing is stored, and what was stored is dropped |
/// | `tags` | `tags = ["employer:{employer}"]` | what the entry can be dropped by, beside the entity's own tags; a place is a parameter |
/// | `refresh` | `refresh = background` | who loads the next value while the stale one serves: a task, or with `inline` the first caller who comes |
/// | `crate` | `crate = ::kit` | the absolute path of `cache-kit` |
///
/// # Refreshes in the background
///
/// `refresh = background` is the default of a function that says `stale_while_revalidate`,
/// `early_refresh`, `soft_timeout` or `retry` itself; where only the entity does, write it. The
/// body is then called by the task as well, on a clone of `self` and on owned copies of the
/// arguments: those must be `Clone` (for `&str` and slices, what they borrow), `Send`, `Sync` and
/// `'static`. An argument that cannot be kept (`&mut`, `impl Trait`, a reference within another
/// type) is a compile error that says so; `refresh = inline` needs nothing.
///
/// With `Fresh`, and with a strategy that is only known at run time, the return type must be able
/// to say "miss": an `Option`, or a `Result` whose error is `From<cache_kit::Error>`.
#[proc_macro_attribute]
pub fn cached(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, cached::annotate(attribute.into(), &item)).into()
}

/// Makes a repository of an `impl` block, inherent or of a trait, whose methods are annotated.
///
/// It generates
/// - for each method with `#[cached]` its *uncached twin* (`find_uncached` of `find`): the body,
///   past the cache. It has the method's visibility; of a trait's block it is a private method of
///   the type.
/// - `impl Repository<User>` for the type, from the method that finds a `User` by its key, and the
///   one that finds many: expanders, feeders and batches can then ask it. Its errors become
///   `Error::RepositoryError`, unless they are a `cache_kit::Error` or can be made into one
///   (`Into`).
///
/// A method is such a finder if a key is all it needs: each of its arguments is the key, or a field
/// of it (or the strategy).
///
/// # Options
///
/// | option | example | meaning |
/// | --- | --- | --- |
/// | `audit` | `audit` | refuses a method that neither reads, puts nor evicts, and is not marked `#[cache(exempt)]` |
/// | `finder` | `finder(find)` | which methods are the repository, where several find the same entity |
/// | `crate` | `crate = ::kit` | the absolute path of `cache-kit` |
#[proc_macro_attribute]
pub fn cache_repository(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, repository::annotate(attribute.into(), &item)).into()
}

/// Stores the entity that an `async fn` returns after writing it.
///
/// The key is taken before the body: from `key = …`, else from parameters named like the key's
/// fields, else from a parameter that is the entity, by value, by reference or in an `Arc`. Where
/// none of these is there (an id that the database makes), or where the returned entity has another
/// key, the entry is invalidated and nothing is stored. It is invalidated as well when the body
/// fails, and when the future is dropped half way: the write may have happened.
///
/// # Options
///
/// | option | example | meaning |
/// | --- | --- | --- |
/// | `cache` | `cache = self.store` | where the cache is |
/// | `key` | `key = user.id` | the key, as in `#[cached]` |
/// | `skip` | `skip(year)` | parameters that say nothing of the key |
/// | `on_unreachable` | `on_unreachable = propagate` | returns the cache's failure instead of the body's result; the error type must be `From<cache_kit::Error>`. `ignore`, the default, returns the body's result |
/// | `crate` | `crate = ::kit` | the absolute path of `cache-kit` |
#[proc_macro_attribute]
pub fn cache_put(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, put_evict::annotate_put(attribute.into(), &item)).into()
}

/// Invalidates the entity that an `async fn` removes or changes.
///
/// The entry is invalidated after the body, whether it succeeds or fails, and when the future is
/// dropped half way. The key is taken before the body: from `key = …`, else from a parameter that
/// is the entity, else from all parameters as in `#[cached]`.
///
/// # Options
///
/// | option | example | meaning |
/// | --- | --- | --- |
/// | `entity` | `entity = Employment` | what is evicted: required, unless there are `tags` or a `prefix` |
/// | `prefix` | `prefix = "rates"` | drops what a function with this prefix has returned for the same parameters, or with `all` all of it |
/// | `tags` | `tags = ["employer:{employer}"]` | drops what carries these tags, of any entity; a place is a parameter |
/// | `all` | `all` | evicts all of the entity's entries; there is no key then |
/// | `cache` | `cache = self.store` | where the cache is |
/// | `key` | `key = (person_id = id, year)` | the key, as in `#[cached]` |
/// | `skip` | `skip(reason)` | parameters that are no part of the key |
/// | `on_unreachable` | `on_unreachable = propagate` | returns the cache's failure instead of the body's result; `ignore` is the default |
/// | `crate` | `crate = ::kit` | the absolute path of `cache-kit` |
#[proc_macro_attribute]
pub fn cache_evict(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    debug::shown(&item, put_evict::annotate_evict(attribute.into(), &item)).into()
}
