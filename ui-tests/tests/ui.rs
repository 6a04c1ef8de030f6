//! What the compiler says of cache-kit's macros, case by case.
//!
//! `ui/<area>/<family>/<fault>.rs` must fail to compile with what is beside it in `<fault>.stderr`;
//! `pass/*.rs` and `nesting/*.rs` must compile and run. The wording of the compiler's own messages
//! changes from release to release, so the first kind runs on one release only. To bless it after
//! a change:
//! `TRYBUILD=overwrite cargo test -p cache-kit-ui-tests`, then read every `.stderr` that differs.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::Command;
use std::{env, fmt};

use trybuild::TestCases;

/// The compiler that the `.stderr` files are of.
const BLESSED: &str = "1.95.0";

/// Alone in its `TestCases`: these are then checked in one run of cargo, not one by one.
#[test]
fn faults_are_explained() {
    let release = release();
    if release == BLESSED {
        TestCases::new().compile_fail("ui/*/*/*.rs");
    } else {
        say(format_args!(
            "SKIPPED: the compile-fail cases are of rustc {BLESSED}, this is rustc {release}"
        ));
    }
}

#[test]
fn all_else_compiles_and_runs() {
    TestCases::new().pass("pass/*.rs");
}

#[test]
fn nested_calls_compile_and_run() {
    TestCases::new().pass("nesting/*.rs");
}

/// The release of the compiler that cargo uses.
fn release() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .arg("-vV")
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", rustc.display()));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .unwrap_or("of an unknown release")
        .to_owned()
}

/// Speaks past the test harness, which keeps the output of a test that passes to itself: one that did not run
/// must not look like one that did.
fn say(message: fmt::Arguments<'_>) {
    // Where there is no terminal to tell, there is nobody to tell.
    let _ = writeln!(io::stderr(), "\n{message}");
}
