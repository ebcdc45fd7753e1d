//! Input lines and the command palette.

use crate::app::action::Action;

use super::list::moved;

/// The command palette.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// Typed text.
    pub text: String,
    /// Index of the selected match.
    pub at: usize,
}

/// Purpose of an input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Path for saving the mix.
    SaveMix,
    /// Path of a mix to load.
    LoadMix,
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

impl Palette {
    /// Returns the actions with all typed words in their name or description. Names that start with the text come
    /// first, then names that contain it.
    pub fn matches(&self) -> Vec<Action> {
        let text = self.text.to_lowercase();
        let fits = |action: &Action| {
            let all = format!("{} {}", action.name(), action.description().to_lowercase());
            text.split_whitespace().all(|word| all.contains(word))
        };
        let mut found: Vec<Action> = Action::ALL.iter().copied().filter(fits).filter(|a| !a.is_line_edit()).collect();
        let typed = text.trim().replace(' ', "-");
        found.sort_by_key(|action| (!action.name().starts_with(&typed), !action.name().contains(&typed)));
        found
    }

    /// Moves the selection by a number of rows.
    pub fn step(&mut self, rows: isize) {
        self.at = moved(self.at, rows, self.matches().len());
    }
}

/// Returns the byte offset of a cursor with `after` characters behind it.
pub fn caret_offset(line: &str, after: usize) -> usize {
    let letters = line.char_indices().rev();
    letters.map(|(at, _)| at).take(after).last().unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_searches_names_and_descriptions() {
        let find = |text: &str| Palette { text: text.to_owned(), at: 0 }.matches();
        assert_eq!(find("fit")[0], Action::Fit);
        assert_eq!(find("reset all")[0], Action::ResetAll);
        assert!(find("silence").contains(&Action::Mute));
        assert!(find("no such thing").is_empty());
        assert!(!find("").contains(&Action::Accept));
    }
}
