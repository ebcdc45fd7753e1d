//! Actions in input lines, the palette, the search and the help.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Overlay, State,
            help::Help,
            input::{InputKind, LineInput, caret_offset},
            list::{moved, rows_of},
            palette::PaletteEntry,
        },
    },
    jobs::FileRequest,
};

use super::mixer::file_of;

/// Returns the text of the open input line.
pub(super) fn open_line(state: &mut State) -> Option<&mut String> {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => Some(&mut palette.text),
        Some(Overlay::Search) => Some(&mut state.example_list.needle),
        Some(Overlay::Line(line)) => Some(&mut line.text),
        Some(Overlay::Pool { needle, .. }) => Some(needle),
        Some(Overlay::Help(help)) if help.is_typing => Some(&mut help.needle),
        _ => None,
    }
}

/// Edits the open input line; `false` if the action does not edit it.
pub(super) fn edit_line(state: &mut State, action: Action) -> bool {
    let caret = state.caret;
    let Some(line) = open_line(state) else { return false };
    let (letters, at) = (line.chars().count(), caret_offset(line, caret));
    let before = line[..at].to_owned();
    let word = before.trim_end().rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let (kept, after) = match action {
        Action::Left => (at, (caret + 1).min(letters)),
        Action::Right | Action::EraseNext => (at, caret.saturating_sub(1)),
        Action::LineStart => (at, letters),
        Action::LineEnd => (at, 0),
        Action::Erase => (caret_offset(&before, 1).min(at), caret),
        Action::EraseWord => (word, caret),
        Action::Clear => (0, 0),
        _ => return false,
    };
    let rest = match action {
        Action::Clear => String::new(),
        Action::EraseNext => line[caret_offset(line, after)..].to_owned(),
        _ => line[at..].to_owned(),
    };
    let text = format!("{}{rest}", &before[..kept]);
    let same = *line == text;
    *line = text;
    state.caret = after;
    if !same {
        on_line_change(state);
    }
    true
}

/// Updates the state after the open line has changed.
pub(super) fn on_line_change(state: &mut State) {
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => palette.at = 0,
        Some(Overlay::Pool { at, .. }) => *at = 0,
        Some(Overlay::Help(help)) => help.scroll = 0,
        Some(Overlay::Line(line)) => line.confirmed = false,
        _ => {}
    }
    copy_to_editor(state);
}

/// Copies the typed text to classify to the editor.
fn copy_to_editor(state: &mut State) {
    if let (Some(Overlay::Line(LineInput { kind: InputKind::TryText, text, .. })), Some(editor)) =
        (&state.overlay, &mut state.editor)
    {
        editor.text.clone_from(text);
    }
}

/// Handles an action in the palette and returns the chosen entry.
pub(super) fn in_palette(state: &mut State, action: Action) -> Option<PaletteEntry> {
    let page = state.page;
    let Some(Overlay::Palette(mut palette)) = state.overlay.take() else { return None };
    let found = state.palette_rows(&palette);
    if let Some(rows) = rows_of(action, page) {
        palette.step(rows, found.len());
        state.overlay = Some(Overlay::Palette(palette));
        return None;
    }
    found.into_iter().nth(palette.at).map(|row| row.entry).filter(|_| action == Action::Accept)
}

/// Handles an action in the search.
pub(super) fn in_search(state: &mut State, action: Action) {
    if let Some(rows) = rows_of(action, state.page) {
        state.example_list.step(rows);
        return;
    }
    if action != Action::Accept {
        state.example_list.needle.clear();
    }
    state.overlay = None;
}

/// Handles an action in an input line.
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
            if let (InputKind::TryText, Some(editor)) = (line.kind, &mut state.editor) {
                editor.text.clear();
            }
            state.overlay = None;
        }
    }
    Vec::new()
}

/// Returns the effect of accepting the line.
fn accept(state: &State, line: &LineInput) -> Vec<Effect> {
    let text = line.text.trim();
    if line.kind == InputKind::Export && !text.is_empty() {
        let (path, replace) = (text.into(), line.confirmed);
        return vec![Effect::Export { path, csv: super::export::csv(state), replace }];
    }
    if line.kind == InputKind::OpenFolder && !text.is_empty() {
        return vec![Effect::File(FileRequest::OpenFolder(text.into()))];
    }
    let Some(run) = state.run().filter(|_| !text.is_empty()) else { return Vec::new() };
    let path = text.into();
    vec![Effect::File(match line.kind {
        InputKind::SaveMix => FileRequest::SaveMix { path, file: Box::new(file_of(run)), replace: line.confirmed },
        InputKind::LoadMix => FileRequest::LoadMix { run: run.id, path },
        InputKind::OpenFolder | InputKind::Export | InputKind::TryText => return Vec::new(),
    })]
}

/// Handles an action in the help. Closing it while a text is typed shows all lines again.
pub(super) fn in_help(state: &mut State, action: Action, help: &Help) {
    let help = match (action, rows_of(action, state.page)) {
        (Action::Search, _) => Some(Help { scroll: 0, needle: String::new(), is_typing: true }),
        (Action::Accept, _) if help.is_typing => Some(Help { is_typing: false, ..help.clone() }),
        (_, Some(rows)) => {
            let positions = state.help_rows(help).len().saturating_sub(state.page) + 1;
            Some(Help { scroll: moved(help.scroll, rows, positions), ..help.clone() })
        }
        (Action::Close, None) if help.is_typing => Some(Help::default()),
        _ => None,
    };
    state.overlay = help.map(Overlay::Help);
}

/// Handles an action in the list of messages.
pub(super) fn in_messages(state: &mut State, action: Action, scroll: usize) {
    let positions = state.notices.len().saturating_sub(state.page) + 1;
    state.overlay = rows_of(action, state.page).map(|rows| Overlay::Messages(moved(scroll, rows, positions)));
}
