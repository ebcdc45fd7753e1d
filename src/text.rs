//! Formatting of text, and removal of unsafe characters before it is shown.

use std::borrow::Cow;

/// Returns `text` without control characters: line breaks and tabs become single spaces, others are removed.
///
/// All text from data, files or a tokenizer is passed through this function before it is shown in a terminal, so that
/// no escape sequence in a data set can move the cursor or recolour the screen.
///
/// ```
/// assert_eq!(partscope::text::printable("a\x1b[31mb\r\nc\u{9b}2J"), "a[31mb c2J");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(text.chars().filter_map(replace).collect())
}

/// Returns whether `c` is a control character, or a mark that reorders or hides the text after it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn replace(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if is_unsafe(c) => None,
        c => Some(c),
    }
}

/// Returns `text` with line breaks and tabs shown as `⏎` and `⇥`, for prompts, in which they matter.
pub fn visible(text: &str) -> String {
    let marked = text.replace("\r\n", "\n").replace('\n', "⏎").replace('\t', "⇥");
    printable(&marked).into_owned()
}

/// Returns `text` with single spaces between its words and none at its ends, for comparisons.
pub fn normalized(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Formats a change with its sign, such as `+0.48` or `-1.20`; values that round to 0 give `+0.00`, also if negative.
pub fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}");
    if text.trim_matches(['-', '.', '0']).is_empty() { text.replace('-', "+") } else { text }
}

/// Returns the line of `text`, counted from 1, that contains the byte at `byte`.
pub fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

/// Joins names for a sentence: `a`, `a and b`, `a, b and c`; `none` if there are none.
pub fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| printable(name.as_ref()).into_owned()).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_removed() {
        for unsafe_text in ["\x1b]52;c;AAAA\x07", "\u{9b}31m", "a\u{202e}b", "\x00", "\x7f"] {
            assert!(!printable(unsafe_text).chars().any(is_unsafe), "{unsafe_text:?}");
        }
        assert_eq!(visible("a\nb\tc\x1b"), "a⏎b⇥c");
    }

    #[test]
    fn values_that_round_to_zero_are_not_negative() {
        let shown = [0.484, -1.2, -1e-9, 0.0, -0.005].map(|value| signed(value, 2));
        assert_eq!(shown, ["+0.48", "-1.20", "+0.00", "+0.00", "-0.01"]);
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<&str>([]), "none");
    }
}
