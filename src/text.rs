//! Text from data, files and models made safe to show.

use std::borrow::Cow;

/// `text` without control characters: line breaks and tabs become single spaces, others disappear.
///
/// Everything that comes from data, files or a tokenizer passes through here before it reaches a terminal, so that no
/// escape sequence in a data set can move the cursor or recolour the screen.
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

/// Control characters, and the marks that reorder or hide what follows them.
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

/// `text` with line breaks and tabs made visible as `⏎` and `⇥`: for prompts, where a line break is a fact.
pub fn visible(text: &str) -> String {
    let marked = text.replace("\r\n", "\n").replace('\n', "⏎").replace('\t', "⇥");
    printable(&marked).into_owned()
}

/// A change with its sign: `+0.48`, `-1.20`; what rounds to nothing is `+0.00`, whatever its sign.
pub fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}");
    if text.trim_matches(['-', '.', '0']).is_empty() { text.replace('-', "+") } else { text }
}

/// The line of a text, counted from 1, in which a byte stands.
pub fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
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
    fn escapes_cannot_pass() {
        for nasty in ["\x1b]52;c;AAAA\x07", "\u{9b}31m", "a\u{202e}b", "\x00", "\x7f"] {
            assert!(!printable(nasty).chars().any(is_unsafe), "{nasty:?}");
        }
        assert_eq!(visible("a\nb\tc\x1b"), "a⏎b⇥c");
    }

    #[test]
    fn nothing_is_not_negative() {
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
