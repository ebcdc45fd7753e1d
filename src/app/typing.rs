//! Lines that are typed: the palette's and the search's.

use crate::jobs::Errand;

use super::{
    action::Action,
    mixer::file_of,
    state::{Overlay, State},
    update::{Effect, update},
};

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
pub enum Purpose {
    /// Where the mix is written.
    SaveMix,
    /// Where a mix is read.
    LoadMix,
    /// A text of one's own, answered while it is typed.
    OwnText,
}

/// A line that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What for.
    pub purpose: Purpose,
    /// What was typed.
    pub text: String,
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
        let mut found: Vec<Action> = Action::ALL.iter().copied().filter(fits).filter(|a| !a.is_of_a_line()).collect();
        let typed = text.trim().replace(' ', "-");
        found.sort_by_key(|action| (!action.name().starts_with(&typed), !action.name().contains(&typed)));
        found
    }

    fn step(&mut self, rows: isize) {
        let last = self.matches().len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(rows).min(last);
    }
}

/// Takes what was typed or pasted, if a line is open; what cannot stand in a line is left out.
pub fn type_text(state: &mut State, text: &str) -> Vec<Effect> {
    let typed = text.chars().filter(|character| !character.is_control());
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => {
            palette.text.extend(typed);
            palette.at = 0;
        }
        Some(Overlay::Search) => state.listing.needle.extend(typed),
        Some(Overlay::Line(line)) => line.text.extend(typed),
        Some(Overlay::Pool { needle, at, .. }) => {
            needle.extend(typed);
            *at = 0;
        }
        _ => return Vec::new(),
    }
    follow_own_text(state);
    state.refresh();
    super::update::settle(state)
}

/// The text of one's own is what stands in its line.
fn follow_own_text(state: &mut State) {
    if let (Some(Overlay::Line(Typed { purpose: Purpose::OwnText, text })), Some(editor)) =
        (&state.overlay, &mut state.editor)
    {
        editor.own.clone_from(text);
    }
}

/// What an action does while the palette is open.
pub(super) fn in_palette(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(Overlay::Palette(palette)) = &mut state.overlay else { return Vec::new() };
    match action {
        Action::Down => palette.step(1),
        Action::Up => palette.step(-1),
        Action::Erase | Action::Clear => {
            take_back(&mut palette.text, action);
            palette.at = 0;
        }
        Action::Accept => {
            let chosen = palette.matches().get(palette.at).copied();
            state.overlay = None;
            return chosen.map_or_else(Vec::new, |action| update(state, action));
        }
        _ => state.overlay = None,
    }
    Vec::new()
}

/// What an action does while the search is open.
pub(super) fn in_search(state: &mut State, action: Action) {
    match action {
        Action::Erase | Action::Clear => take_back(&mut state.listing.needle, action),
        Action::Down => state.listing.step(1),
        Action::Up => state.listing.step(-1),
        Action::Accept => state.overlay = None,
        _ => {
            state.listing.needle.clear();
            state.overlay = None;
        }
    }
}

/// Takes the last letter of a line back, or all of it.
fn take_back(text: &mut String, action: Action) {
    if action == Action::Clear {
        text.clear();
    } else {
        text.pop();
    }
}

/// What an action does while a line is asked for.
pub(super) fn in_line(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(Overlay::Line(line)) = &mut state.overlay else { return Vec::new() };
    match action {
        Action::Erase | Action::Clear => {
            take_back(&mut line.text, action);
            follow_own_text(state);
        }
        Action::Down | Action::Up => {}
        Action::Accept => {
            let Typed { purpose, text } = line.clone();
            state.overlay = None;
            return accept(state, purpose, text.trim());
        }
        _ => {
            if let (Purpose::OwnText, Some(editor)) = (line.purpose, &mut state.editor) {
                editor.own.clear();
            }
            state.overlay = None;
        }
    }
    Vec::new()
}

/// Does what the line was asked for.
fn accept(state: &mut State, purpose: Purpose, text: &str) -> Vec<Effect> {
    let Some(sheet) = state.sheet().filter(|_| !text.is_empty()) else { return Vec::new() };
    let path = text.into();
    vec![Effect::Errand(match purpose {
        Purpose::SaveMix => Errand::SaveMix { path, file: Box::new(file_of(sheet)) },
        Purpose::LoadMix => Errand::LoadMix { sheet: sheet.id, path },
        Purpose::OwnText => return Vec::new(),
    })]
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
