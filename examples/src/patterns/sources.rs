//! What there is to write for a pattern, counted from its sources.

/// The two versions of a pattern.
#[derive(Debug)]
pub struct Sources {
    /// The guide's heading.
    pub heading: &'static str,
    /// The version in the guide's words.
    pub by_hand: &'static str,
    /// The version with the macros.
    pub with_macros: &'static str,
}

impl Sources {
    /// Returns the lines of the version by hand.
    pub fn by_hand(&self) -> usize {
        lines_of_code(self.by_hand)
    }

    /// Returns the lines of the version with the macros.
    pub fn with_macros(&self) -> usize {
        lines_of_code(self.with_macros)
    }

    /// Says how the two compare.
    pub fn comparison(&self) -> String {
        format!(
            "{} lines by hand, {} with macros",
            self.by_hand(),
            self.with_macros()
        )
    }
}

/// Counts the lines that are neither blank nor comments.
pub fn lines_of_code(source: &str) -> usize {
    source
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

#[cfg(test)]
mod tests {
    use super::lines_of_code;

    #[test]
    fn blank_lines_and_comments_are_not_counted() {
        let source = "//! A file.\n\nuse a::b;\n    // why\n    /// what\n    f(); // g\n  \n}\n";
        assert_eq!(lines_of_code(source), 3);
    }
}
