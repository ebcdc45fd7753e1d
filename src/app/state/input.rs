//! Input lines.

/// Purpose of an input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Path for saving the mix.
    SaveMix,
    /// Path of a mix to load.
    LoadMix,
    /// Folder of a run to open.
    OpenFolder,
    /// Path without ending for the picture and the table of the screen.
    Export,
    /// Text to classify, answered while typing.
    TryText,
}

/// An input line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineInput {
    /// Purpose of the line.
    pub kind: InputKind,
    /// Typed text.
    pub text: String,
    /// Whether the user was asked to confirm replacing an existing file.
    pub confirmed: bool,
}

/// Returns the byte offset of a cursor with `after` characters behind it.
pub fn caret_offset(line: &str, after: usize) -> usize {
    let letters = line.char_indices().rev();
    letters.map(|(at, _)| at).take(after).last().unwrap_or(line.len())
}
