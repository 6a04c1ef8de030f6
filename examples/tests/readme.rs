//! The README shows what the example `readme` runs; that it runs is a test of its own.

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../readme/main.rs");

/// What stands between `// README: name` and `// README: end`, as far to the left as it goes.
fn excerpt(name: &str) -> String {
    let (_, after) = EXAMPLE
        .split_once(&format!("// README: {name}\n"))
        .expect("the excerpt is in the example");
    let (excerpt, _) = after
        .split_once("// README: end")
        .expect("the excerpt ends");
    let indent = excerpt.len() - excerpt.trim_start_matches(' ').len();
    let lines = excerpt.trim_end().lines();
    let lines: Vec<_> = lines
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_readme_shows_what_is_compiled() {
    for name in ["employments", "by hand", "redis"] {
        let excerpt = excerpt(name);
        assert!(
            README.contains(&format!("```rust,ignore\n{excerpt}```\n")),
            "the README must show:\n\n{excerpt}"
        );
    }
}

#[test]
fn every_other_block_of_the_readme_is_a_program_or_no_rust() {
    let ignored = README.matches("```rust,ignore").count();
    assert_eq!(
        ignored, 3,
        "a block that is neither run nor an excerpt is not compiled"
    );
}
