//! A cached function calls itself 500 times on the stack of a worker thread, without a box.

use cache_kit::prelude::*;
use std::thread;

struct Sums {
    cache: CacheService<InMemoryBackend>,
}

impl Sums {
    #[cached(prefix = "sum", ttl = "1h")]
    async fn sum(&self, n: u64) -> Vec<u64> {
        if n == 0 {
            return vec![0];
        }
        let below = self.sum(n - 1).await;
        vec![below[0] + n]
    }
}

#[tokio::main(flavor = "current_thread")]
async fn sum() {
    let cache = CacheService::new(InMemoryBackend::new());
    let sum = tokio::spawn(async move { Sums { cache }.sum(500).await });
    assert_eq!(sum.await.unwrap(), [125_250]);
}

fn main() {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(sum);
    thread.unwrap().join().unwrap();
}
