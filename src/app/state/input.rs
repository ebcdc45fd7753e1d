//! Lines that are typed: the palette's, the search's, and those that are asked for.

use crate::app::action::Action;

use super::list::moved;

/// The command palette: what was typed, and which match is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What was typed.
    pub text: String,
    /// Which of the matches.
    pub at: usize,
}

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Where the mix is written.
    SaveMix,
    /// Where a mix is read.
    LoadMix,
    /// A text of one's own, answered while it is typed.
    OwnText,
}

/// A line that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineInput {
    /// What for.
    pub purpose: InputKind,
    /// What was typed.
    pub text: String,
    /// Whether a file of that name is there and was asked about.
    pub confirmed: bool,
}

impl Palette {
    /// The actions that have all typed words in their name or description, best first: those whose name begins with
    /// what was typed, then those whose name has it, then the others.
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

    /// Moves among the matches by so many rows.
    pub fn step(&mut self, rows: isize) {
        self.at = moved(self.at, rows, self.matches().len());
    }
}

/// The byte before which `after` letters from the end stand the cursor of a line.
pub fn place(line: &str, after: usize) -> usize {
    let letters = line.char_indices().rev();
    letters.map(|(at, _)| at).take(after).last().unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_by_name_and_by_meaning() {
        let find = |text: &str| Palette { text: text.to_owned(), at: 0 }.matches();
        assert_eq!(find("fit")[0], Action::Fit);
        assert_eq!(find("reset all")[0], Action::ResetAll);
        assert!(find("silence").contains(&Action::Mute));
        assert!(find("no such thing").is_empty());
        assert!(!find("").contains(&Action::Accept));
    }
}
