//! A backend without its type, as the engine holds it.

use super::{CacheBackend, Fill, Filled, Intent, Lookup, Opened, TagStamps};
use crate::entity::shape::Shape;
use crate::error::{Error, Result};
use crate::key::{CacheKey, KeyRef};
use crate::observe::Watcher;
use crate::store::tag::{Scope, Tag};
use std::any::Any;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A permit without its type.
pub(crate) type AnyPermit = Box<dyn Any + Send + Sync>;

/// An answer that is there already, or one to wait for. What is there costs no allocation.
pub enum Soon<'a, T> {
    /// The answer. `None` once it was taken.
    Now(Option<T>),
    /// A future of the answer.
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T: 'a> Soon<'a, T> {
    pub(crate) fn now(answer: T) -> Self {
        Self::Now(Some(answer))
    }

    pub(crate) fn later(answer: impl Future<Output = T> + Send + 'a) -> Self {
        Self::Later(Box::pin(answer))
    }

    /// Makes another answer of this one.
    pub(crate) fn map<U: 'a>(self, change: impl FnOnce(T) -> U + Send + 'a) -> Soon<'a, U> {
        match self {
            Self::Now(answer) => Soon::Now(answer.map(change)),
            Self::Later(later) => Soon::later(async move { change(later.await) }),
        }
    }
}

// Nothing in it is pinned: what waits is in a box.
impl<T> Unpin for Soon<'_, T> {}

impl<T> Future for Soon<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            Self::Now(answer) => match answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => unreachable!("a future that is ready is not polled again"),
            },
            Self::Later(later) => later.as_mut().poll(context),
        }
    }
}

/// The trait that [`CacheBackend`] would be if its futures and permits had no types of their own.
pub(crate) trait Store: Send + Sync {
    fn name(&self) -> &'static str;
    fn answers_at_once(&self) -> bool;
    fn is_remote(&self) -> bool;
    fn entries(&self) -> Option<u64>;
    fn watch(&self, watcher: Watcher);
    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup>;
    fn read<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
    ) -> Soon<'a, Vec<Result<Lookup>>>;
    fn open<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Soon<'a, Vec<Result<Opened<AnyPermit>>>>;
    fn fill(
        &self,
        fills: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> Soon<'_, Vec<Result<Filled>>>;
    fn put(
        &self,
        puts: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> Soon<'_, Vec<Result<Filled>>>;
    fn invalidate<'a>(&'a self, keys: &'a [CacheKey]) -> Soon<'a, Vec<Result<()>>>;
    fn clear<'a>(&'a self, scope: Scope<'a>) -> Soon<'a, Result<()>>;
    fn stamp_tags<'a>(
        &'a self,
        namespace: Option<&'a str>,
        tags: &'a [Tag],
        lasts: Option<Duration>,
    ) -> Soon<'a, Result<TagStamps>>;
    fn health(&self) -> Soon<'_, Result<()>>;
    fn run_pending_tasks(&self) -> Soon<'_, Result<()>>;
}

impl<B: CacheBackend> Store for B {
    fn name(&self) -> &'static str {
        std::any::type_name::<B>()
    }

    fn answers_at_once(&self) -> bool {
        CacheBackend::answers_at_once(self)
    }

    fn is_remote(&self) -> bool {
        CacheBackend::is_remote(self)
    }

    fn entries(&self) -> Option<u64> {
        CacheBackend::entries(self)
    }

    fn watch(&self, watcher: Watcher) {
        CacheBackend::watch(self, watcher);
    }

    fn peek(&self, key: KeyRef<'_>, shape: &'static Shape) -> Option<Lookup> {
        CacheBackend::peek(self, key, shape)
    }

    fn read<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
    ) -> Soon<'a, Vec<Result<Lookup>>> {
        soon(self, CacheBackend::read(self, keys, shape))
    }

    fn open<'a>(
        &'a self,
        keys: &'a [CacheKey],
        shape: &'static Shape,
        intent: Intent,
    ) -> Soon<'a, Vec<Result<Opened<AnyPermit>>>> {
        soon(self, async move {
            let opened = CacheBackend::open(self, keys, shape, intent).await;
            opened.into_iter().map(|one| one.map(erase)).collect()
        })
    }

    fn fill(
        &self,
        fills: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> Soon<'_, Vec<Result<Filled>>> {
        soon(self, async move {
            let count = fills.len();
            match fills.into_iter().map(restore::<B>).collect() {
                Ok(fills) => CacheBackend::fill(self, fills, shape).await,
                Err(error) => vec![Err(error); count],
            }
        })
    }

    fn put(
        &self,
        puts: Vec<Fill<AnyPermit>>,
        shape: &'static Shape,
    ) -> Soon<'_, Vec<Result<Filled>>> {
        soon(self, async move {
            let count = puts.len();
            match puts.into_iter().map(restore::<B>).collect() {
                Ok(puts) => CacheBackend::put(self, puts, shape).await,
                Err(error) => vec![Err(error); count],
            }
        })
    }

    fn invalidate<'a>(&'a self, keys: &'a [CacheKey]) -> Soon<'a, Vec<Result<()>>> {
        soon(self, CacheBackend::invalidate(self, keys))
    }

    fn clear<'a>(&'a self, scope: Scope<'a>) -> Soon<'a, Result<()>> {
        soon(self, CacheBackend::clear(self, scope))
    }

    fn stamp_tags<'a>(
        &'a self,
        namespace: Option<&'a str>,
        tags: &'a [Tag],
        lasts: Option<Duration>,
    ) -> Soon<'a, Result<TagStamps>> {
        soon(self, CacheBackend::stamp_tags(self, namespace, tags, lasts))
    }

    fn health(&self) -> Soon<'_, Result<()>> {
        soon(self, CacheBackend::health(self))
    }

    fn run_pending_tasks(&self) -> Soon<'_, Result<()>> {
        soon(self, CacheBackend::run_pending_tasks(self))
    }
}

/// An answer that says that the backend broke its promise to answer at once.
trait Broken: Sized {
    fn broken(error: Error) -> Self;
}

impl<T> Broken for Result<T> {
    fn broken(error: Error) -> Self {
        Err(error)
    }
}

/// One error stands for all: the engine says the same of each key that has no answer.
impl<T> Broken for Vec<Result<T>> {
    fn broken(error: Error) -> Self {
        vec![Err(error)]
    }
}

/// Runs a question on the stack if the backend answers at once, else puts it in a box.
///
/// It is decided before the first poll: a future that was polled on the stack cannot be boxed
/// later.
fn soon<'a, B, T>(backend: &B, question: impl Future<Output = T> + Send + 'a) -> Soon<'a, T>
where
    B: CacheBackend,
    T: Broken,
{
    if !CacheBackend::answers_at_once(backend) {
        return Soon::Later(Box::pin(question));
    }
    let mut context = Context::from_waker(Waker::noop());
    match pin!(question).poll(&mut context) {
        Poll::Ready(answer) => Soon::Now(Some(answer)),
        Poll::Pending => Soon::Now(Some(T::broken(broken_promise(std::any::type_name::<B>())))),
    }
}

fn broken_promise(backend: &str) -> Error {
    let fault = format!(
        "`{backend}` says that it answers at once, and it did not; \
         return `false` from `answers_at_once`"
    );
    Error::ConfigError(fault.into())
}

fn erase<P: Send + Sync + 'static>(opened: Opened<P>) -> Opened<AnyPermit> {
    Opened {
        permit: Box::new(opened.permit),
        stamp: opened.stamp,
        found: opened.found,
        lease: opened.lease,
    }
}

/// Takes back a permit of this backend. One of another backend stores nothing, and says so.
fn restore<B: CacheBackend>(fill: Fill<AnyPermit>) -> Result<Fill<B::Permit>> {
    match fill.permit.downcast::<B::Permit>() {
        Ok(permit) => Ok(Fill {
            permit: *permit,
            entry: fill.entry,
            ttl: fill.ttl,
            stale: fill.stale,
            tags: fill.tags,
        }),
        Err(_) => Err(Error::BackendError(
            "the permit is another backend's".into(),
        )),
    }
}
