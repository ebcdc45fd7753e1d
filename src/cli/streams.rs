//! The only place that writes to standard output and standard error.
//!
//! Every text for a terminal passes through one gate here: file names, messages of libraries,
//! texts of a model. `tests/streams.rs` finds writes elsewhere. A standard error that is closed or full is no failure;
//! of standard output, only a reader that has read enough is none.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    panic,
};

use crate::{
    error::{Error, Result},
    text::{cut, is_unsafe, printable, printable_lines},
};

/// Maximum length of a message on standard error, in characters.
const MAX_MESSAGE: usize = 20_000;

/// Prints text for people to standard output.
pub(super) fn print(text: &str) -> Result<()> {
    write(&printable_lines(text))
}

/// Colours of text on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Raised,
    Lowered,
}

/// Prints pieces of text for people to standard output: in colour if that is a terminal, and `NO_COLOR` is not set.
pub(super) fn print_toned(pieces: &[(Tone, String)]) -> Result<()> {
    let unset = |variable: &str| std::env::var_os(variable).is_none_or(|value| value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    write(&toned(pieces, io::stdout().is_terminal() && unset("NO_COLOR") && !dumb))
}

/// Joins pieces of text, with the escape sequences of their colours if `colored`.
fn toned(pieces: &[(Tone, String)], colored: bool) -> String {
    let piece = |(tone, text): &(Tone, String)| {
        let text = printable_lines(text);
        match tone {
            Tone::Raised if colored => format!("\x1b[36m{text}\x1b[0m"),
            Tone::Lowered if colored => format!("\x1b[33m{text}\x1b[0m"),
            _ => text.into_owned(),
        }
    };
    pieces.iter().map(piece).collect()
}

/// Prints a document for other programs to standard output; it is changed only if that is a terminal.
pub(super) fn print_data(text: &str) -> Result<()> {
    if io::stdout().is_terminal() { print(text) } else { write(text) }
}

/// Prints JSON text to standard output, with unsafe characters of its texts as escapes.
pub(super) fn print_json_text(text: &str) -> Result<()> {
    if !text.chars().any(|c| is_unsafe(c) && c != '\n') {
        return write(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_unsafe(c) {
            safe.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        }
    }
    write(&safe)
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "standard output".into(), source })
        }
        _ => Ok(()),
    }
}

/// Prints lines to standard error; nothing happens if that cannot be written.
pub(super) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{}\n", printable_lines(&cut(text, MAX_MESSAGE))).as_bytes());
}

/// The variable that makes progress lines of standard error, for programs that show it: `PARTSCOPE_PROGRESS=lines`.
const PROGRESS: &str = "PARTSCOPE_PROGRESS";
/// How such a line starts.
const PROGRESS_LINE: &str = "progress: ";

fn progress_is_lines() -> bool {
    std::env::var_os(PROGRESS).is_some_and(|value| value == "lines")
}

/// Returns whether progress is shown: standard error is a terminal, or a program asked for lines.
pub(super) fn shows_progress() -> bool {
    progress_is_lines() || io::stderr().is_terminal()
}

/// Replaces the current line of standard error, which is a terminal, or writes a line for a program.
pub(super) fn paint(text: &str) {
    let text = printable(text);
    let text = match (progress_is_lines(), text.is_empty()) {
        (true, true) => return,
        (true, false) => format!("{PROGRESS_LINE}{text}\n"),
        (false, _) => format!("\r\x1b[K{text}"),
    };
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints a permanent line about the work; a program that shows progress gets it as such.
pub(super) fn note(text: &str) {
    if progress_is_lines() { paint(text) } else { say(text) }
}

/// Ends the current line of standard error.
pub(super) fn end_line() {
    if progress_is_lines() {
        return;
    }
    let _ = io::stderr().lock().write_all(b"\n");
}

/// Lets messages of panics pass through the gate. With RUST_BACKTRACE set, they are printed as Rust does.
pub(super) fn guard_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value.is_empty() || value == "0") {
        panic::set_hook(Box::new(|info| say(&format!("partscope: internal error: {info}"))));
    }
}

/// Prints help, a version or an error of clap, and returns the exit code.
pub(super) fn print_clap(error: &clap::Error) -> u8 {
    if error.use_stderr() {
        let text = error.to_string();
        if text.chars().any(|c| is_unsafe(c) && c != '\n') {
            say(text.trim_end());
        } else {
            let _ = error.print();
        }
        return 2;
    }
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            say(&format!("partscope: {}", Error::Write { path: "standard output".into(), source }));
            1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_surround_safe_text_only_where_they_are_shown() {
        let pieces = [
            (Tone::Plain, "a\u{202e}".to_owned()),
            (Tone::Raised, "+1".to_owned()),
            (Tone::Lowered, "−1\n".to_owned()),
        ];
        assert_eq!(toned(&pieces, false), "a\\u{202e}+1−1\n");
        assert_eq!(toned(&pieces, true), "a\\u{202e}\x1b[36m+1\x1b[0m\x1b[33m−1\n\x1b[0m");
    }
}
