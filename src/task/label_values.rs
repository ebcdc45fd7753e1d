//! Values of labels: texts, and whole numbers that are written in several ways.

/// Returns the index of the label `given`: its text or, if no label is itself a number, its position.
pub(super) fn position(labels: &[String], given: &str) -> Option<usize> {
    let numeric = labels.iter().any(|label| whole(label).parse::<i64>().is_ok());
    let position = || whole(given).parse().ok().filter(|&at: &usize| !numeric && at < labels.len());
    labels.iter().position(|label| same(label, given)).or_else(position)
}

/// Returns whether two values are the same text, or the same whole number: `1` and `1.0`.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || whole(a) == whole(b)
}

/// Removes the decimals of a whole number, which programs write if the column has missing values: `1.0` becomes `1`.
pub(super) fn whole(text: &str) -> &str {
    match text.split_once('.') {
        Some((number, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') && is_whole(number) => {
            number
        }
        _ => text,
    }
}

pub(super) fn is_whole(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}
