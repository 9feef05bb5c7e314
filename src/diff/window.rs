//! The part of two long texts that is worth comparing: [`window`].

/// Where two texts begin to differ, with some lines before, and at most so many lines from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// Part of the one.
    pub expected: &'a str,
    /// Part of the other.
    pub actual: &'a str,
    /// Equal lines before it.
    pub before: usize,
    /// Whether something behind it is left out.
    pub cut: bool,
}

/// Leaves out equal lines at the beginning, but for `context`, and what is more than `most` lines behind them.
///
/// The time that a comparison takes grows with the square of the lines; a deadline would make the result depend on
/// the machine, and the same record shall give the same report.
#[must_use]
pub fn window<'a>(expected: &'a str, actual: &'a str, context: usize, most: usize) -> Window<'a> {
    let same = expected.split_inclusive('\n').zip(actual.split_inclusive('\n')).take_while(|(a, b)| a == b).count();
    let before = same.saturating_sub(context);
    let skipped: usize = expected.split_inclusive('\n').take(before).map(str::len).sum();
    let (expected, actual) = (&expected[skipped..], &actual[skipped..]);
    let take = |text: &'a str| -> &'a str {
        let end: usize = text.split_inclusive('\n').take(most).map(str::len).sum();
        &text[..end]
    };
    let (first, second) = (take(expected), take(actual));
    let cut = first.len() < expected.len() || second.len() < actual.len();
    Window { expected: first, actual: second, before, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_before_the_first_difference() {
        let window = window("1\n2\n3\n4\n5\n", "1\n2\n3\nx\n5\n6\n", 1, 3);
        assert_eq!(window, Window { expected: "3\n4\n5\n", actual: "3\nx\n5\n", before: 2, cut: true });
        let whole = super::window("a", "b", 3, 3);
        assert_eq!(whole, Window { expected: "a", actual: "b", before: 0, cut: false });
        assert_eq!(super::window("a\n", "a\n", 0, 9), Window { expected: "", actual: "", before: 1, cut: false });
    }
}
