//! Tasks that no caller waits for, and how to wait for them all the same.

use std::future::Future;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Counts the tasks that are under way. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Background(watch::Sender<usize>);

/// A task that is under way, also one whose runtime ends.
struct Running(watch::Sender<usize>);

impl Background {
    pub(crate) fn spawn(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
        self.0.send_modify(|count| *count += 1);
        let running = Running(self.0.clone());
        runtime.spawn(async move {
            task.await;
            drop(running);
        });
    }

    /// Waits until none is under way.
    pub(crate) async fn finish(&self) {
        let mut count = self.0.subscribe();
        // It fails for want of a sender, and we are one.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Notify;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn it_is_finished_when_the_last_task_is() {
        let (background, go) = (Background::default(), Arc::new(Notify::new()));
        background.finish().await;
        for _ in 0..2 {
            let go = Arc::clone(&go);
            background.spawn(&Handle::current(), async move { go.notified().await });
        }
        let waiting = background.clone();
        let waiting = tokio::spawn(async move { waiting.finish().await });
        for _ in 0..2 {
            for _ in 0..10 {
                yield_now().await;
            }
            assert!(!waiting.is_finished());
            go.notify_one();
        }
        waiting.await.unwrap();
    }

    #[test]
    fn a_task_whose_runtime_has_ended_is_over() {
        let background = Background::default();
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.build().unwrap()
        };
        let ended = runtime();
        background.spawn(ended.handle(), std::future::pending());
        drop(ended);
        runtime().block_on(background.finish());
    }
}
