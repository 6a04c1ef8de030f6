//! Nothing stale is stored, whatever comes between the beginning of a load and its fill (DESIGN
//! §4.4, in memory).

mod sync {
    pub(super) use shuttle::sync::{Mutex, MutexGuard};
}

#[path = "../../../cache-kit/src/backend/memory/guards.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the runtime's file, of which a model uses a part"
)]
mod guards;

use guards::Guards;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

const KEY: &[u8] = b"key";

/// One key: the repository's row, the stored copy, and the guards between them.
#[derive(Clone)]
struct Model {
    guards: Arc<Guards>,
    row: Arc<AtomicU64>,
    stored: Arc<Mutex<Option<u64>>>,
}

impl Model {
    fn new() -> Self {
        Self {
            guards: Arc::new(Guards::with_stripes(1, 0)),
            row: Arc::new(AtomicU64::new(0)),
            stored: Arc::new(Mutex::new(None)),
        }
    }

    fn load(&self) {
        let seen = self.guards.generation(KEY);
        let row = self.row.load(Ordering::SeqCst);
        self.guards
            .fill(KEY, seen, || *self.stored.lock().unwrap() = Some(row));
    }

    fn write_and_invalidate(&self) {
        let version = self.row.fetch_add(1, Ordering::SeqCst) + 1;
        self.guards
            .invalidate(KEY, || *self.stored.lock().unwrap() = None);
        self.expect_at_least(version);
    }

    fn write_and_put(&self) {
        let seen = self.guards.generation(KEY);
        let version = self.row.fetch_add(1, Ordering::SeqCst) + 1;
        self.guards.put(KEY, seen, |is_unchanged| {
            *self.stored.lock().unwrap() = is_unchanged.then_some(version);
        });
        self.expect_at_least(version);
    }

    /// For models that would be too large with one more step; the end of the model looks at what is
    /// stored as well.
    fn write_and_put_unwatched(&self) {
        let seen = self.guards.generation(KEY);
        let version = self.row.fetch_add(1, Ordering::SeqCst) + 1;
        self.guards.put(KEY, seen, |is_unchanged| {
            *self.stored.lock().unwrap() = is_unchanged.then_some(version);
        });
    }

    /// After a write is acknowledged, no reader gets what it replaced.
    fn expect_at_least(&self, version: u64) {
        let stored = *self.stored.lock().unwrap();
        assert!(
            stored.is_none_or(|stored| stored >= version),
            "{stored:?} is stored after version {version} was acknowledged"
        );
    }
}

fn explore(threads: &'static [fn(&Model)]) -> impl Fn() + Send + Sync {
    move || {
        let model = Model::new();
        let running: Vec<_> = threads
            .iter()
            .map(|step| {
                let model = model.clone();
                thread::spawn(move || step(&model))
            })
            .collect();
        for thread in running {
            thread.join().unwrap();
        }
        model.expect_at_least(model.row.load(Ordering::SeqCst));
    }
}

#[test]
fn an_invalidation_during_a_load_wins_in_every_interleaving() {
    shuttle::check_dfs(explore(&[Model::load, Model::write_and_invalidate]), None);
}

#[test]
fn a_put_during_a_load_wins_in_every_interleaving() {
    shuttle::check_dfs(explore(&[Model::load, Model::write_and_put]), None);
}

#[test]
fn a_put_and_an_invalidation_leave_nothing_old_in_every_interleaving() {
    shuttle::check_dfs(
        explore(&[Model::write_and_put, Model::write_and_invalidate]),
        None,
    );
}

#[test]
fn two_puts_leave_nothing_old_in_every_interleaving() {
    shuttle::check_dfs(
        explore(&[
            Model::write_and_put_unwatched,
            Model::write_and_put_unwatched,
        ]),
        None,
    );
}

#[test]
fn loads_puts_and_invalidations_together_leave_nothing_old() {
    let model = explore(&[
        Model::load,
        Model::write_and_put,
        Model::load,
        Model::write_and_invalidate,
        Model::write_and_put,
    ]);
    shuttle::check_random(model, 20_000);
}

/// The rule that is model-checked above matters: without the comparison the model finds the stale
/// entry.
#[test]
#[should_panic(expected = "is stored after version")]
fn a_fill_that_compares_nothing_is_caught() {
    fn blind_load(model: &Model) {
        let row = model.row.load(Ordering::SeqCst);
        let now = model.guards.generation(KEY);
        model
            .guards
            .fill(KEY, now, || *model.stored.lock().unwrap() = Some(row));
    }
    shuttle::check_dfs(explore(&[blind_load, Model::write_and_invalidate]), None);
}
