//! What the macros write, as a reviewer reads it: one snapshot for each kind of annotation, in
//! `snapshots/`.
//!
//! After a change: `INSTA_UPDATE=always cargo test -p cache-kit-derive`, then read what differs as
//! code.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{cached, entity, put_evict, repository};

/// Items as people would write them.
fn pretty(tokens: &TokenStream) -> String {
    // A method stands in a block.
    let file = syn::parse2::<syn::File>(quote!(#tokens));
    let file = file.or_else(|_| syn::parse2(quote!(impl Users { #tokens })));
    file.map_or_else(
        |error| format!("{error}: {tokens}"),
        |file| prettyplease::unparse(&file),
    )
}

macro_rules! expansions {
    ($($name:ident => $expand:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(stringify!($name), pretty(&$expand)));
        }
    )*};
}

/// `#[cached(…)]` on a method that finds a user.
fn cached_method(options: TokenStream) -> TokenStream {
    let method = quote! {
        /// Finds one.
        pub async fn find(&self, id: u64) -> Result<Option<User>, DbError> {
            self.db.user(id).await
        }
    };
    cached::annotate(options, &method)
}

fn cached_fn(options: TokenStream, item: &TokenStream) -> TokenStream {
    cached::annotate(options, item)
}

fn put(options: TokenStream, item: &TokenStream) -> TokenStream {
    put_evict::annotate_put(options, item)
}

fn evict(options: TokenStream, item: &TokenStream) -> TokenStream {
    put_evict::annotate_evict(options, item)
}

expansions! {
    entity_of_one_key => entity::derive(quote! {
        #[cache(prefix = "user", ttl = "1h", key = id)]
        pub struct User { pub id: u64, pub name: String }
    });
    entity_of_a_composite_key => entity::derive(quote! {
        #[cache(prefix = "employment", key = (person_id, year))]
        pub struct Employment { pub person_id: String, pub year: i32, pub salary: f64 }
    });
    entity_with_every_policy => entity::derive(quote! {
        #[cache(
            prefix = "rate", key = id, ttl = "1m", jitter = 0.1, negative_ttl = NEGATIVE, stale_while_revalidate = "5m",
            stale_if_error = "1d", error_throttle = "10s", early_refresh = 1.0, version = 2
        )]
        struct Rate { id: u64 }
    });
    entity_with_tags => entity::derive(quote! {
        #[cache(prefix = "job", key = id, tags = ["employer:{employer}", "jobs"])]
        struct Job { id: u64, employer: String }
    });
    entity_with_an_opaque_field => entity::derive(quote! {
        #[cache(prefix = "page", key = id, codec = MessagePack)]
        struct Page { id: u64, #[cache(opaque)] body: Body }
    });
    entity_with_indexes => entity::derive(quote! {
        #[cache(prefix = "user", key = id, index(email, nick_name))]
        pub struct User { pub id: u64, pub email: String, pub nick_name: Option<String> }
    });
    entity_that_is_generic => entity::derive(quote! {
        #[cache(prefix = "page", key = id)]
        struct Page<T> where T: Clone { id: u64, items: Vec<T> }
    });
    entity_of_a_tuple_struct => entity::derive(quote! {
        #[cache(prefix = "pair", key = (0, 1))]
        struct Pair(u32, String, f64);
    });
    entity_of_another_crate_name => entity::derive(quote! {
        #[cache(prefix = "user", key = id, crate = ::kit, feeder = Slot)]
        struct User { id: u64 }
    });
    cached_by_default => cached_method(quote!());
    cached_fresh => cached_method(quote!(strategy = Fresh));
    cached_with_a_ttl => cached_method(quote!(ttl = "10s", jitter = 0.5));
    cached_where_an_expression_says => cached_method(quote!(cache = self.stores.near, key = id));
    cached_refreshed_by_a_task => cached_method(quote!(refresh = background));
    cached_with_retries => cached_method(quote!(retry = 3, retry_if = |error| error.is_timeout()));
    cached_with_timeouts => cached_method(quote!(soft_timeout = "50ms", hard_timeout = "2s"));
    cached_on_a_condition => cached_method(quote!(condition = id > 0, unless = |user| user.is_none()));
    evict_a_value => evict(quote!(prefix = "rates"), &quote! {
        async fn set_rate(&self, from: &str, to: &str) -> Result<(), DbError> {
            self.api.set(from, to).await
        }
    });
    cached_value => cached_fn(quote!(prefix = "rates", ttl = "10s"), &quote! {
        async fn rate(&self, from: &str, to: &str) -> Result<f64, RateError> {
            self.api.rate(from, to).await
        }
    });
    cached_list_with_everything => cached_fn(
        quote!(
            prefix = "members", key = (team.id, T::NAME), tags = ["team:{team}"], strategy = strategy,
            stale_while_revalidate = "5m", ttl = "1m", unless = |found| found.is_empty()
        ),
        &quote! {
            async fn members<T: Table>(&self, team: &Team, strategy: CacheStrategy) -> Result<Vec<User>, Error> {
                self.db.members::<T>(team).await
            }
        },
    );
    cached_without_waiting => cached_fn(quote!(prefix = "fib"), &quote! {
        fn fib(&self, n: u64) -> u64 {
            self.fib(n - 1) + self.fib(n - 2)
        }
    });
    cached_by_an_index => cached_fn(quote!(index = email), &quote! {
        async fn find_by_email(&self, email: &str) -> Result<Option<User>, DbError> {
            self.db.user_with(email).await
        }
    });
    cached_many_keys => cached_fn(quote!(), &quote! {
        async fn find_many(&self, ids: &[u64]) -> Result<Vec<User>, DbError> {
            self.db.users(ids).await
        }
    });
    cached_many_keys_with_everything => cached_fn(
        quote!(skip(conn, filter), ttl = "1m", retry = 3, unless = |city| city.is_draft),
        &quote! {
            async fn find_many(&self, conn: &mut Conn, filter: Filter, names: Vec<&str>) -> HashMap<String, City> {
                self.db.cities(conn, filter, names).await
            }
        },
    );
    cached_with_tags => cached_method(quote!(tags = ["id:{id}"]));
    cached_with_the_callers_strategy => cached_fn(quote!(strategy = strategy, skip(tracing_id)), &quote! {
        async fn find(&self, person_id: &str, mut year: i32, strategy: CacheStrategy, tracing_id: u64) -> Option<Arc<Employment>> {
            year += 0;
            None
        }
    });
    cached_under_other_names => cached_fn(quote!(key = (person_id = id, request.year)), &quote! {
        async fn find(&self, id: &str, request: &Request) -> Option<Employment> { None }
    });
    cached_free_function => cached_fn(quote!(), &quote! {
        async fn find<B: CacheBackend>(cache: &CacheService<B>, id: u64) -> User { load(id).await }
    });
    cached_boxed_future => cached_fn(quote!(), &quote! {
        fn find<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = Option<User>> + Send + 'a>> {
            Box::pin(async move { self.load(id).await })
        }
    });
    cached_returned_future => cached_fn(quote!(), &quote! {
        fn find(&self, id: u64) -> impl Future<Output = Option<User>> + Send { async move { self.load(id).await } }
    });
    put_of_a_parameter => put(quote!(), &quote! {
        async fn save(&self, user: User) -> Result<User, DbError> { self.db.save(user).await }
    });
    put_under_a_key => put(quote!(key = id), &quote! {
        async fn rename(&self, id: u64, name: &str) -> Result<User, DbError> { self.db.rename(id, name).await }
    });
    put_that_tells_of_the_cache => put(quote!(on_unreachable = propagate), &quote! {
        async fn save(&self, id: u64) -> Result<User, Error> { self.db.save(id).await }
    });
    evict_of_one => evict(quote!(entity = User), &quote! {
        async fn remove(&self, id: u64) -> Result<(), DbError> { self.db.remove(id).await }
    });
    evict_of_all => evict(quote!(entity = User, all), &quote! {
        async fn truncate(&self) { self.db.truncate().await }
    });
    evict_of_a_tag => evict(quote!(tags = ["employer:{name}"]), &quote! {
        async fn close(&self, name: &str) -> Result<(), DbError> { self.db.close(name).await }
    });
    repository_of_its_own => repository::annotate(quote!(audit), &quote! {
        impl Users {
            #[cached]
            pub async fn find(&self, id: u64) -> Result<Option<User>, DbError> { self.db.user(id).await }

            #[cache(exempt)]
            fn count(&self) -> usize { 0 }
        }
    });
    repository_of_a_trait => repository::annotate(quote!(), &quote! {
        impl<B: CacheBackend> Find for Users<B> where B: Clone {
            #[cached]
            async fn find(&self, person_id: &str, year: i32) -> Option<Arc<Employment>> { None }
        }
    });
    a_fault_leaves_the_item => cached_method(quote!(stratgy = Fresh));
    a_fault_of_an_entity_leaves_an_impl => entity::derive(quote! {
        #[cache(prefix = "user", key = uid)]
        struct User { id: u64 }
    });
}
