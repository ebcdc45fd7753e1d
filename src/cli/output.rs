//! Reads inputs, and writes results and progress.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

pub(super) use super::streams::print;
use super::streams::{note, paint, print_data, print_json_text, say, shows_progress};
use crate::{
    analysis::WeightsFile,
    bounded::{VARIABLE, max_data, read_all, too_large},
    disk::{self, write_whole},
    error::{Error, InputError, Result},
    progress::Progress,
    task::decode,
};

/// Returns whether `path` means standard input or output.
pub(super) fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads the text of a file, or of standard input for `-`: UTF-8, or UTF-16 with a byte order mark.
pub(super) fn read_text(path: &Path) -> Result<String> {
    if !is_stream(path) {
        return Ok(decode(path, &disk::read(path)?)?.into_owned());
    }
    let most = max_data()? / 2;
    let bytes = read_all(io::stdin().lock(), most).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => Error::from(
            too_large("standard input takes", most)
                .help(format!("pass fewer lines at a time, or raise the limit: {VARIABLE}=4GB")),
        ),
        _ => Error::Read { path: "standard input".into(), source },
    })?;
    Ok(decode(path, &bytes)?.into_owned())
}

/// Reads a weights file, or standard input for `-`; errors name the file.
pub(super) fn read_weights(path: &Path) -> Result<WeightsFile> {
    let named = |error: Error| Error::from(InputError::new(error.to_string()).path(path));
    let file = WeightsFile::parse(&read_text(path)?).map_err(named)?;
    if file.origin_checksum.is_none() {
        let path = path.display();
        warn(&format!("{path}: the weights have no `origin_checksum`, so changes of their prompts cannot be noticed"));
    }
    Ok(file)
}

/// Writes `text` to a file atomically, or to standard output for `-`.
pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    if is_stream(path) { print_data(text) } else { write_whole(path, text.as_bytes()) }
}

/// Prints a line on standard error about a problem that does not stop the command.
pub(super) fn warn(text: &str) {
    say(&format!("partscope: {text}"));
}

/// Prints one JSON object to standard output.
pub(super) fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Write { path: "standard output".into(), source: error.into() })?;
    print_json_text(&(text + "\n"))
}

/// Formats seconds, which may be an estimate of any size.
pub(super) fn human_seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| "very long".to_owned(), human_time)
}

/// Progress line on standard error; silent if that is not a terminal.
pub(super) struct ProgressLine {
    shown: bool,
    next: Instant,
}

/// Time between two updates of the line.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);

impl ProgressLine {
    pub(super) fn new() -> Self {
        Self { shown: false, next: Instant::now() }
    }

    /// Prints a permanent line if standard error is a terminal.
    pub(super) fn note(&mut self, text: &str) {
        if shows_progress() {
            self.clear();
            note(text);
        }
    }

    /// Prints a permanent line about a problem that does not stop the command.
    pub(super) fn warn(&mut self, text: &str) {
        self.clear();
        warn(text);
    }

    /// Shows a stage without a count.
    pub(super) fn stage(&mut self, text: &str) {
        self.next = Instant::now();
        self.paint(text);
    }

    /// Shows a count with its rate and the time left.
    pub(super) fn count(&mut self, progress: &Progress, unit: &str) {
        let left = progress.left.map_or_else(String::new, |left| format!(", {} left", human_time(left)));
        self.paint(&format!("{}/{} {unit}, {}/s{left}", progress.done, progress.total, human_rate(progress.rate)));
    }

    /// Removes the line.
    pub(super) fn clear(&mut self) {
        if self.shown {
            paint("");
            self.shown = false;
        }
    }

    fn paint(&mut self, text: &str) {
        if shows_progress() && Instant::now() >= self.next {
            paint(text);
            self.shown = true;
            self.next = Instant::now() + UPDATE_INTERVAL;
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Formats a rate with two significant digits below 10: `0.14`, `3.2`, `410`.
pub(super) fn human_rate(rate: f64) -> String {
    match rate {
        r if r < 1.0 => format!("{r:.2}"),
        r if r < 10.0 => format!("{r:.1}"),
        r => format!("{r:.0}"),
    }
}

/// Formats a duration: `0.4 s`, `12 s`, `3 min`, `2 h 05 min`.
pub(super) fn human_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s % 3600.0) / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_use_a_suitable_unit() {
        let text = |seconds: f64| human_time(Duration::from_secs_f64(seconds));
        assert_eq!([text(0.44), text(59.6), text(600.0), text(7500.0)], ["0.4 s", "60 s", "10 min", "2 h 05 min"]);
    }
}
