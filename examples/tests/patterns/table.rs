//! The README of the patterns says what is so.

use std::path::Path;

use cache_kit_examples::patterns::ALL;

const README: &str = include_str!("../../patterns/README.md");

#[test]
fn the_readme_has_the_counts_that_the_example_prints() {
    for sources in ALL {
        let row = README
            .lines()
            .find(|line| line.starts_with(&format!("| [{}]", sources.heading)))
            .unwrap_or_else(|| panic!("{} has no row", sources.heading));
        let counts = format!("| {} | {} |", sources.by_hand(), sources.with_macros());
        assert!(row.contains(&counts), "it must say {counts}\n{row}");
    }
}

#[test]
fn the_readme_has_a_row_for_each_of_the_guides_fifteen_snippets() {
    let numbers = README.lines().filter_map(|line| {
        line.strip_prefix("| ")?
            .split(' ')
            .next()?
            .parse::<u8>()
            .ok()
    });
    assert!(numbers.eq(1..=15));
}

#[test]
fn what_the_readme_links_to_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let links: Vec<_> = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(links.len() > 20);
    for link in links {
        assert!(folder.join(link).exists(), "{link}");
    }
}
