//! What a refresh keeps of a call that does not wait for it.

use crate::output::Detached;
use std::future::Future;

/// Can be kept when the caller has gone.
#[diagnostic::on_unimplemented(
    message = "a refresh in the background needs `{Self}: Clone`",
    label = "cannot be kept for a refresh in the background",
    note = "derive `Clone` for it (what cannot be cloned goes into an `Arc`), or write `refresh = inline`",
    note = "a task is the default beside `stale_while_revalidate` and `early_refresh`"
)]
pub trait Keep {
    type Kept: Send + Sync + 'static;
    fn keep(&self) -> Self::Kept;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + Sync + 'static> + ?Sized> Keep for T {
    type Kept = T::Owned;
    fn keep(&self) -> T::Owned {
        self.to_owned()
    }
}

/// Can be kept for a body that runs again, or without its caller.
#[diagnostic::on_unimplemented(
    message = "`retry` and `soft_timeout` need `{Self}: Clone`",
    label = "cannot be kept for a body that runs again, or without its caller",
    note = "derive `Clone` for it (what cannot be cloned goes into an `Arc`), or remove `retry` and `soft_timeout`"
)]
pub trait KeepToRepeat {
    type Kept: Send + Sync + 'static;
    fn keep(&self) -> Self::Kept;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + Sync + 'static> + ?Sized> KeepToRepeat for T {
    type Kept = T::Owned;
    fn keep(&self) -> T::Owned {
        self.to_owned()
    }
}

/// A load that needs nothing of its caller's.
pub fn boxed<O>(load: impl Future<Output = O> + Send + 'static) -> Detached<O> {
    Box::pin(load)
}
