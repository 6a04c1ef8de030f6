//! Finds what the user meant.

/// Returns the candidate nearest to `written`, if one is near enough to be meant.
///
/// Distance is optimal string alignment (insert, delete, replace, swap neighbours). Up to three
/// letters one edit may be wrong, beyond that one in three: so `tll` finds `ttl`, and `color` finds
/// nothing.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= allowed && distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Counts the edits from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let options = ["prefix", "key", "ttl", "jitter", "negative_ttl", "version"];
        for (written, meant) in [
            ("prefx", "prefix"),
            ("tll", "ttl"),
            ("tlt", "ttl"),
            ("kye", "key"),
            ("jiter", "jitter"),
            ("negative_tll", "negative_ttl"),
            ("negativ_tl", "negative_ttl"),
        ] {
            assert_eq!(nearest(written, options), Some(meant), "{written}");
        }
    }

    #[test]
    fn far_words_suggest_nothing() {
        for written in ["color", "x", "", "timeout"] {
            assert_eq!(
                nearest(written, ["prefix", "key", "ttl"]),
                None,
                "{written}"
            );
        }
    }

    #[test]
    fn one_letter_is_not_taken_for_another() {
        assert_eq!(nearest("x", ["s", "m", "h"]), None);
    }

    #[test]
    fn swapped_neighbours_are_one_edit() {
        assert_eq!(distance("abcd", "acbd"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
