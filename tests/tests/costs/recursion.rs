//! How deep a cached function can call itself.

use cache_kit::prelude::*;
use std::process::Command;
use std::{env, thread};
use tokio::runtime;

/// The stack of a worker thread of tokio.
const STACK: usize = 2 << 20;

/// At least so deep a cached function can call itself on that stack, in a debug build.
const DEPTH: u64 = 500;

/// Names the depth to the process that tries it.
const VARIABLE: &str = "CACHE_KIT_TESTS_DEPTH";

struct Sums {
    cache: CacheService<InMemoryBackend>,
}

impl Sums {
    #[cached(prefix = "sum", ttl = "1h")]
    async fn sum(&self, n: u64) -> Vec<u64> {
        if n == 0 {
            return vec![0];
        }
        let below = Box::pin(self.sum(n - 1)).await;
        vec![below[0] + n]
    }
}

/// Whether a call of this depth succeeds. It is tried by a process of its own, for one that has no
/// stack left ends.
fn reaches(depth: u64) -> bool {
    let program = env::current_exe().expect("the path of this program");
    Command::new(program)
        .args(["--exact", "recursion::calls_itself", "--ignored"])
        .env(VARIABLE, depth.to_string())
        .output()
        .expect("it runs")
        .status
        .success()
}

#[test]
#[ignore = "run by the other test, which names the depth"]
fn calls_itself() {
    let depth = env::var(VARIABLE).expect("named by the other test");
    let depth: u64 = depth.parse().expect("a number");
    let call = move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let cache = CacheService::new(InMemoryBackend::new());
        let sum = async move { Sums { cache }.sum(depth).await };
        runtime.block_on(runtime.spawn(sum)).expect("no panic")
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(call);
    let sum = thread.expect("a thread").join().expect("no panic");
    assert_eq!(sum, [depth * (depth + 1) / 2]);
}

#[test]
fn a_function_calls_itself_500_times_on_the_stack_of_a_worker() {
    // Else the depths below say nothing.
    assert!(reaches(1));
    if !reaches(DEPTH) {
        let (mut reached, mut missed) = (1, DEPTH);
        while missed - reached > 1 {
            let depth = u64::midpoint(reached, missed);
            if reaches(depth) {
                reached = depth;
            } else {
                missed = depth;
            }
        }
        panic!("it reaches {reached} of {DEPTH}");
    }
}
