//! Lines that are typed: the palette's, the search's, and those that are asked for.

use crate::{jobs::Errand, text::printable};

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
    /// Whether a file of that name is there and was asked about.
    pub sure: bool,
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

/// Takes what was typed or pasted, if a line is open. Breaks of a pasted text become spaces; what cannot stand in a line
/// is left out.
pub fn type_text(state: &mut State, text: &str) -> Vec<Effect> {
    let typed = printable(text.trim_end_matches(['\r', '\n'])).into_owned();
    let caret = state.caret;
    let Some(line) = open_line(state) else { return Vec::new() };
    let at = place(line, caret);
    line.insert_str(at, &typed);
    changed(state);
    state.refresh();
    super::update::settle(state)
}

/// The line that is open.
fn open_line(state: &mut State) -> Option<&mut String> {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => Some(&mut palette.text),
        Some(Overlay::Search) => Some(&mut state.listing.needle),
        Some(Overlay::Line(line)) => Some(&mut line.text),
        Some(Overlay::Pool { needle, .. }) => Some(needle),
        _ => None,
    }
}

/// The byte before which `after` letters from the end stand the cursor of a line.
pub fn place(line: &str, after: usize) -> usize {
    let letters = line.char_indices().rev();
    letters.map(|(at, _)| at).take(after).last().unwrap_or(line.len())
}

/// What an action does to the line that is open; `false` if it is about something else.
pub(super) fn edit_line(state: &mut State, action: Action) -> bool {
    let caret = state.caret;
    let Some(line) = open_line(state) else { return false };
    let (letters, at) = (line.chars().count(), place(line, caret));
    let before = line[..at].to_owned();
    let word = before.trim_end().rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let (kept, after) = match action {
        Action::Left => (at, (caret + 1).min(letters)),
        Action::Right | Action::EraseNext => (at, caret.saturating_sub(1)),
        Action::LineStart => (at, letters),
        Action::LineEnd => (at, 0),
        Action::Erase => (place(&before, 1).min(at), caret),
        Action::EraseWord => (word, caret),
        Action::Clear => (0, 0),
        _ => return false,
    };
    let rest = match action {
        Action::Clear => String::new(),
        Action::EraseNext => line[place(line, after)..].to_owned(),
        _ => line[at..].to_owned(),
    };
    let text = format!("{}{rest}", &before[..kept]);
    let same = *line == text;
    *line = text;
    state.caret = after;
    if !same {
        changed(state);
    }
    true
}

/// What follows from a line that is another than before.
fn changed(state: &mut State) {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => palette.at = 0,
        Some(Overlay::Pool { at, .. }) => *at = 0,
        Some(Overlay::Line(line)) => line.sure = false,
        _ => {}
    }
    follow_own_text(state);
}

/// The text of one's own is what stands in its line.
fn follow_own_text(state: &mut State) {
    if let (Some(Overlay::Line(Typed { purpose: Purpose::OwnText, text, .. })), Some(editor)) =
        (&state.overlay, &mut state.editor)
    {
        editor.own.clone_from(text);
    }
}

/// How far an action moves in the list below a line.
pub(super) const fn rows_of(action: Action, page: usize) -> Option<isize> {
    match action {
        Action::Down => Some(1),
        Action::Up => Some(-1),
        Action::PageDown => Some(page as isize),
        Action::PageUp => Some(-(page as isize)),
        _ => None,
    }
}

/// What an action does while the palette is open.
pub(super) fn in_palette(state: &mut State, action: Action) -> Vec<Effect> {
    let page = state.page;
    let Some(Overlay::Palette(palette)) = &mut state.overlay else { return Vec::new() };
    if let Some(rows) = rows_of(action, page) {
        palette.step(rows);
        return Vec::new();
    }
    let chosen = palette.matches().get(palette.at).copied().filter(|_| action == Action::Accept);
    state.overlay = None;
    chosen.map_or_else(Vec::new, |action| update(state, action))
}

/// What an action does while the search is open.
pub(super) fn in_search(state: &mut State, action: Action) {
    if let Some(rows) = rows_of(action, state.page) {
        state.listing.step(rows);
        return;
    }
    if action != Action::Accept {
        state.listing.needle.clear();
    }
    state.overlay = None;
}

/// What an action does while a line is asked for.
pub(super) fn in_line(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(Overlay::Line(line)) = &state.overlay else { return Vec::new() };
    match action {
        Action::Accept => {
            let line = line.clone();
            state.overlay = None;
            return accept(state, &line);
        }
        _ if rows_of(action, 0).is_some() => {}
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
fn accept(state: &State, line: &Typed) -> Vec<Effect> {
    let text = line.text.trim();
    let Some(sheet) = state.sheet().filter(|_| !text.is_empty()) else { return Vec::new() };
    let path = text.into();
    vec![Effect::Errand(match line.purpose {
        Purpose::SaveMix => Errand::SaveMix { path, file: Box::new(file_of(sheet)), replace: line.sure },
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
