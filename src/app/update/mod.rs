//! Actions and messages: they change the state and return effects. Nothing is drawn, read or written here.

pub mod comparison;
mod copying;
pub mod demo_editor;
pub mod example_list;
mod experiments;
mod input;
mod map;
mod messages;
pub mod mixer;
mod requests;
pub mod run_list;
pub mod run_matrix;
mod screen_data;
pub mod selection;
mod session;

pub use messages::receive;
pub use session::Remembered;

use crate::text::printable;

use super::{
    action::Action,
    effect::{Effect, Leave},
    keymap::{Code, Key, KeyContext},
    state::{
        Overlay, Phase, Screen, State,
        input::{Palette, caret_offset},
    },
};
use screen_data::request_missing;

/// Handles the actions of one screen; returns `None` for actions that work the same on all screens.
type Reducer = fn(&mut State, Action) -> Option<Vec<Effect>>;

/// Screens that handle some actions themselves.
const REDUCERS: &[(Screen, Reducer)] = &[
    (Screen::Map, map::act),
    (Screen::Mixer, mixer::act),
    (Screen::Prompt, demo_editor::act),
    (Screen::Examples, example_list::act),
    (Screen::Compare, comparison::act),
    (Screen::Matrix, run_matrix::act),
    (Screen::Runs, run_list::act),
];

/// Runs the action of `key` in the current context. In an input line, characters are typed.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if let (KeyContext::Line, Key { code: Code::Char(character), ctrl: false, alt: false }) = (state.key_context(), key)
    {
        return type_text(state, character.encode_utf8(&mut [0; 4]));
    }
    match state.keymap.lookup(state.key_context(), key) {
        Some(action) => update(state, action),
        None => Vec::new(),
    }
}

/// Runs an action: in the overlay if one is open, else on the current screen, else in general.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    state.notice = None;
    let mut effects = if action == Action::Interrupt {
        vec![Effect::Quit(Leave::Interrupted)]
    } else if input::edit_line(state, action) {
        Vec::new()
    } else if let Some(overlay) = state.overlay.clone() {
        in_overlay(state, action, &overlay)
    } else {
        on_screen(state, action).unwrap_or_else(|| on_any_screen(state, action))
    };
    if !matches!(action, Action::Stronger | Action::Weaker) {
        state.run_mut().into_iter().for_each(|run| run.mixer.end_drag());
    }
    if state.key_context() != KeyContext::Line {
        state.caret = 0;
    }
    state.refresh();
    effects.extend(request_missing(state));
    effects
}

/// Runs an action in an overlay.
fn in_overlay(state: &mut State, action: Action, overlay: &Overlay) -> Vec<Effect> {
    match overlay {
        Overlay::Help(scroll) => input::in_help(state, action, *scroll),
        Overlay::Palette(_) => {
            return input::in_palette(state, action).map_or_else(Vec::new, |chosen| update(state, chosen));
        }
        Overlay::Search => input::in_search(state, action),
        Overlay::Line(_) => return input::in_line(state, action),
        Overlay::Pool { .. } => demo_editor::in_pool(state, action),
    }
    Vec::new()
}

/// Runs an action on the current screen; `None` if the screen does not handle it.
fn on_screen(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    let (_, act) = REDUCERS.iter().find(|(screen, _)| *screen == state.screen)?;
    act(state, action)
}

/// Runs an action that the current screen does not handle.
fn on_any_screen(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Left
        | Action::Right
        | Action::Up
        | Action::Down
        | Action::RowStart
        | Action::RowEnd
        | Action::Top
        | Action::Bottom
        | Action::Best
        | Action::Worst
        | Action::NextGood
        | Action::NextBad
        | Action::NextBiased => selection::move_cursor(state, action),
        Action::Mark | Action::MarkLayer | Action::MarkColumn | Action::MarkAll => selection::mark(state, action),
        Action::Kinds => selection::next_kind(state),
        Action::Metric => state.map.metric = state.map.metric.next(state.run()),
        Action::Ranking => state.ranked = !state.ranked,
        Action::Detail => state.detail = !state.detail,
        Action::Filter
        | Action::FilterLabel
        | Action::Search
        | Action::FullPrompt
        | Action::ListDown
        | Action::ListUp
        | Action::PageDown
        | Action::PageUp => example_list::change(state, action),
        Action::Earlier
        | Action::Later
        | Action::Relabel
        | Action::Swap
        | Action::Replace
        | Action::Add
        | Action::Remove
        | Action::TryText => demo_editor::explain_where(state),
        Action::Open | Action::Delete => run_list::explain_where(state),
        Action::Queue => return run_list::queue_next(state),
        Action::Compare => comparison::compare(state),
        Action::OtherRun => comparison::next_other(state),
        Action::Mute | Action::Solo | Action::GainUp | Action::GainDown | Action::FlipSign | Action::Reset => {
            mixer::change_channels(state, action);
        }
        Action::ResetAll | Action::Undo | Action::Redo => mixer::change_history(state, action),
        Action::ToggleMix => mixer::toggle_mix(state),
        Action::Fit => return mixer::fit(state),
        Action::Method => mixer::next_method(state),
        Action::Stronger => mixer::slide(state, -1),
        Action::Weaker => mixer::slide(state, 1),
        Action::SaveMix | Action::LoadMix => mixer::ask_for_path(state, action),
        Action::NextTask | Action::NextTemplate | Action::NextSeed | Action::PreviousSeed | Action::Rerun => {
            return requests::switch(state, action);
        }
        Action::Attention
        | Action::LogitLens
        | Action::AblateMix
        | Action::AblateEach
        | Action::Positions
        | Action::Fill => return experiments::act(state, action),
        Action::Cancel => return requests::cancel(state),
        _ => return program_action(state, action),
    }
    Vec::new()
}

/// Runs an action of the program or opens a screen.
fn program_action(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Palette => state.overlay = Some(Overlay::Palette(Palette::default())),
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Theme => state.theme += 1,
        Action::Copy => return copying::copy(state, copying::component(state)),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Close => return close(state),
        Action::Quit => return vec![Effect::Quit(Leave::Asked)],
        _ => match Screen::ALL.iter().find(|screen| screen.opened_by() == action) {
            Some(&screen) => state.toggle_screen(screen),
            None => debug_assert!(action.is_line_edit(), "no reducer handles {action:?}"),
        },
    }
    Vec::new()
}

/// Closes one thing: the error message of a run, the marks, the screen, or on the map its filters.
fn close(state: &mut State) -> Vec<Effect> {
    if matches!(state.phase, Phase::Failed(_)) {
        state.phase = Phase::Idle;
        return run_list::begin_next(state);
    }
    if !state.marks.is_empty() {
        state.marks.clear();
    } else if state.screen == Screen::Map {
        map::show_all(state);
    } else {
        state.screen = Screen::Map;
    }
    Vec::new()
}

/// Opens a screen; does nothing if it is open.
pub fn go_to(state: &mut State, screen: Screen) -> Vec<Effect> {
    if state.screen == screen {
        return Vec::new();
    }
    state.screen = Screen::default();
    if screen == state.screen {
        state.refresh();
        return request_missing(state);
    }
    update(state, screen.opened_by())
}

/// Inserts typed or pasted text into the open input line. Line breaks become spaces; other control characters are
/// removed.
pub fn type_text(state: &mut State, text: &str) -> Vec<Effect> {
    let typed = printable(text.trim_end_matches(['\r', '\n'])).into_owned();
    let caret = state.caret;
    let Some(line) = input::open_line(state) else { return Vec::new() };
    let at = caret_offset(line, caret);
    line.insert_str(at, &typed);
    input::on_line_change(state);
    state.refresh();
    request_missing(state)
}
