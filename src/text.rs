//! Formatting of text, and removal of unsafe characters before it is shown.

use std::borrow::Cow;

/// Returns `text` on one line and without characters that could mislead a terminal or its reader.
///
/// Line breaks and tabs become single spaces. Other control characters are removed, so that no escape sequence can move
/// the cursor or recolour the screen. Characters that are invisible or reorder the text after them are shown by their
/// number. All text from data, files or a tokenizer passes through this function before it is shown.
///
/// ```
/// assert_eq!(partscope::text::printable("a\x1b[31mb\r\nc\u{9b}2J"), "a[31mb c2J");
/// assert_eq!(partscope::text::printable("a\u{202e}b"), "a\\u{202e}b");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) { Cow::Owned(shown(text, |_| false)) } else { Cow::Borrowed(text) }
}

/// Returns `text` as [`printable`] does, but with its line breaks and tabs.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let is_layout = |c| matches!(c, '\n' | '\t');
    if text.chars().any(|c| is_unsafe(c) && !is_layout(c)) {
        Cow::Owned(shown(text, is_layout))
    } else {
        Cow::Borrowed(text)
    }
}

/// Replaces unsafe characters, except those to `keep`.
fn shown(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            c if keep(c) || !is_unsafe(c) => safe.push(c),
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() => {}
            c => safe.extend(c.escape_unicode()),
        }
    }
    safe
}

/// Returns whether `c` is a control character, invisible, or a mark that reorders the text after it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Returns whether `c` draws nothing or reorders the text after it: the characters with the property
/// Default_Ignorable_Code_Point of Unicode 17 (DerivedCoreProperties.txt), but for the two variation selectors that follow
/// emoji; line separators, marks of annotations, and the empty braille pattern.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns `text`, or its first `limit` characters with the number of all.
///
/// ```
/// assert_eq!(partscope::text::cut("abcdef", 3), "abc… (6 characters)");
/// ```
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((byte, _)) => Cow::Owned(format!("{}… ({} characters)", &text[..byte], text.chars().count())),
    }
}

/// Returns `text` with line breaks and tabs shown as `⏎` and `⇥`, for prompts, in which they matter.
pub fn visible(text: &str) -> String {
    let marked = text.replace("\r\n", "\n").replace('\n', "⏎").replace('\t', "⇥");
    printable(&marked).into_owned()
}

/// Returns a line with the white space that is easily overlooked: `·` for spaces at its start, at its end and beside
/// others, `⇥` for tabs, numbers for other kinds of space.
///
/// ```
/// assert_eq!(partscope::text::visible_spaces(" a b  c\u{a0}d\t"), "·a b··c\\u{a0}d⇥");
/// ```
pub fn visible_spaces(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let is_space = |index: Option<usize>| index.and_then(|index| chars.get(index)).is_none_or(|c| c.is_whitespace());
    let mut text = String::with_capacity(line.len());
    for (index, &c) in chars.iter().enumerate() {
        match c {
            ' ' if is_space(index.checked_sub(1)) || is_space(Some(index + 1)) => text.push('·'),
            '\t' => text.push('⇥'),
            c if c != ' ' && c.is_whitespace() => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    printable(&text).into_owned()
}

/// Returns `text` with single spaces between its words and none at its ends, for comparisons.
pub fn normalized(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Formats a number with at most three significant digits and no needless ones; very small and very large ones with a
/// power of ten.
///
/// ```
/// assert_eq!([1.0, 26.3157, 0.0512, 4e-7].map(partscope::text::brief), ["1", "26.3", "0.0512", "4e-7"]);
/// ```
pub fn brief(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{rounded:e}") } else { rounded.to_string() }
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
        for unsafe_text in ["\x1b]52;c;AAAA\x07", "\u{9b}31m", "a\u{202e}b", "\x00", "\x7f", "a\u{200b}\u{e0041}b"] {
            assert!(!printable(unsafe_text).chars().any(is_unsafe), "{unsafe_text:?}");
            assert!(!printable_lines(unsafe_text).chars().any(is_unsafe), "{unsafe_text:?}");
        }
        for invisible in ['\u{3164}', '\u{115f}', '\u{1160}', '\u{ffa0}', '\u{2800}', '\u{e0100}', '\u{e01ef}'] {
            assert_eq!(printable(&invisible.to_string()), invisible.escape_unicode().to_string());
        }
        assert_eq!(printable("\u{2764}\u{fe0f} 한글 \u{2801}"), "\u{2764}\u{fe0f} 한글 \u{2801}");
        assert_eq!(printable("a\u{200b}\u{feff}b\u{2066}"), "a\\u{200b}\\u{feff}b\\u{2066}");
        assert_eq!(printable_lines("a\r\n\tb\x1b[2J\rc\u{202e}"), "a\n\tb[2J c\\u{202e}");
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
