#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cache_kit_fuzz::header(bytes));
