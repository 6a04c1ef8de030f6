//! Randomness for what should not happen at the same time everywhere.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number from 0 to 1 that differs from call to call and from process to process; `SplitMix64`
/// (Steele, Lea, Flood 2014).
pub(crate) fn random_fraction() -> f64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one("jitter"));
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut z = seed.wrapping_add(call.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // 53 bits: exact in an `f64`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = (z >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}
