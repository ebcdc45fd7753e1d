//! Actions and messages: they change the state and return effects. Nothing is drawn, read or written here.

mod chosen;
pub mod comparison;
mod copying;
pub mod demo_editor;
pub mod example_list;
mod experiments;
mod export;
mod input;
mod map;
mod messages;
pub mod mixer;
mod models;
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
        Overlay, Phase, Screen, Severity, State,
        experiments::ExperimentStatus,
        help::Help,
        input::{InputKind, LineInput, caret_offset},
        open_run::OpenRun,
        palette::{Palette, PaletteEntry, PaletteScope},
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
///
/// A terminal sends the same bytes for alt with a key and for esc followed quickly by that key: where alt with this key
/// has no action, both keys are pressed.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if let (KeyContext::Line, Key { code: Code::Char(character), ctrl: false, alt: false }) = (state.key_context(), key)
    {
        return type_text(state, character.encode_utf8(&mut [0; 4]));
    }
    if let Some(action) = state.keymap.lookup(state.key_context(), key) {
        return update(state, action);
    }
    if let (true, Some(esc)) = (key.alt, Key::named("esc")) {
        let mut effects = press(state, esc);
        effects.extend(press(state, Key { alt: false, ..key }));
        return effects;
    }
    state.notice = None;
    explain_key(state, key);
    Vec::new()
}

/// Enlarges the cells of the map, or fits all of them in.
fn zoom(state: &mut State) {
    state.zoomed = !state.zoomed;
    let wide = "cells are enlarged; the map scrolls where they do not fit";
    let text = if state.zoomed { wide } else { "cells shrink so that the whole map fits" };
    state.notify(Severity::Plain, text);
}

/// Says that an action needs two compared runs.
fn explain_compare(state: &mut State) {
    let compare = state.key_of(Action::Compare);
    state.notify(Severity::Plain, format!("this works while two runs are compared: {compare} compares them"));
}

/// Says where a key without an action here has one.
fn explain_key(state: &mut State, key: Key) {
    let help = state.key_of(Action::Help);
    let screens = Screen::ALL.iter().filter(|&&screen| screen != state.screen);
    let elsewhere: Vec<(&str, Action)> = screens
        .filter_map(|&screen| Some((screen.title(), state.keymap.lookup(KeyContext::Screen(screen), key)?)))
        .collect();
    let text = match (&state.overlay, elsewhere.first()) {
        (Some(_), _) => format!("{key} does nothing here; {} closes this", state.key_of(Action::Close)),
        (None, Some(&(_, action))) => {
            let places = elsewhere.iter().filter(|(_, other)| *other == action).map(|(title, _)| *title);
            let places: Vec<&str> = places.collect();
            format!("{key} does nothing here; on {} it is `{}`", places.join(", "), action.name())
        }
        (None, None) => format!("{key} has no action; {help} lists all keys"),
    };
    state.notify(Severity::Plain, text);
}

/// Runs an action: in the overlay if one is open, else on the current screen, else in general.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    state.notice = None;
    state.quitting.was_asked &= action == Action::Quit;
    let mut effects = if action == Action::Interrupt {
        vec![Effect::Quit(Leave::Interrupted)]
    } else if input::edit_line(state, action) {
        Vec::new()
    } else if let Some(overlay) = state.overlay.clone() {
        in_overlay(state, action, &overlay)
    } else if state.run().is_none() && chosen::needs_run(action) {
        state.notify(Severity::Plain, "no run is open yet, so there is nothing to do this to");
        Vec::new()
    } else {
        on_screen(state, action).unwrap_or_else(|| on_any_screen(state, action))
    };
    if !matches!(action, Action::Stronger | Action::Weaker) {
        state.run_mut().into_iter().for_each(|run| run.mixer.end_drag());
    }
    if state.key_context() != KeyContext::Line {
        state.caret = 0;
    }
    experiments::lend_quantity(state);
    state.refresh();
    effects.extend(request_missing(state));
    effects
}

/// Runs an action in an overlay.
fn in_overlay(state: &mut State, action: Action, overlay: &Overlay) -> Vec<Effect> {
    match overlay {
        Overlay::Help(help) => input::in_help(state, action, help),
        Overlay::Messages(scroll) => input::in_messages(state, action, *scroll),
        Overlay::Palette(_) => {
            return match input::in_palette(state, action) {
                Some(PaletteEntry::Action(action)) => update(state, action),
                Some(entry) => chosen::choose(state, entry),
                None => Vec::new(),
            };
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
        Action::Metric | Action::PreviousMetric => {
            let forward = action == Action::Metric;
            selection::choose_quantity(state, state.map.metric.beside(state.run(), forward));
        }
        Action::Ranking => state.ranked = !state.ranked,
        Action::Zoom => zoom(state),
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
        | Action::Remove => demo_editor::explain_where(state),
        Action::TryText => return demo_editor::open_text(state),
        Action::OpenFolder => run_list::ask_for_folder(state),
        Action::Open | Action::Delete => run_list::explain_where(state),
        Action::Queue => return run_list::queue_next(state),
        Action::Compare => comparison::compare(state),
        Action::OtherRun => comparison::next_other(state),
        Action::ChooseOther | Action::SwapRuns | Action::ApplyOtherMix => explain_compare(state),
        Action::MoreShots | Action::FewerShots => return requests::change_shots(state, action == Action::MoreShots),
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
        | Action::LensByLayer
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
        Action::Help => state.overlay = Some(Overlay::Help(Help::default())),
        Action::Messages => state.overlay = Some(Overlay::Messages(0)),
        Action::Quantities => state.overlay = Some(Overlay::Palette(Palette::of(PaletteScope::Quantities))),
        Action::Theme => state.theme += 1,
        Action::Models => return models::list(state),
        Action::Copy => return copying::copy(state, copying::component(state)),
        Action::Export => {
            let text = format!("partscope-{}", state.screen.title());
            state.overlay = Some(Overlay::Line(LineInput { kind: InputKind::Export, text, confirmed: false }));
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Close => return close(state),
        Action::Quit => return quit(state),
        _ => match Screen::ALL.iter().find(|screen| screen.opened_by() == action) {
            Some(&screen) => state.toggle_screen(screen),
            None => debug_assert!(action.is_line_edit(), "no reducer handles {action:?}"),
        },
    }
    Vec::new()
}

/// Quits, or says once what is unfinished.
fn quit(state: &mut State) -> Vec<Effect> {
    let unfinished = unfinished(state);
    if unfinished.is_empty() || state.quitting.was_asked || !state.quitting.confirms {
        return vec![Effect::Quit(Leave::Asked)];
    }
    state.quitting.was_asked = true;
    let (quit, unfinished) = (state.key_of(Action::Quit), unfinished.join("; "));
    state.notify(Severity::Bad, format!("{unfinished}. {quit} again quits, any other key stays"));
    Vec::new()
}

/// Returns what quitting would stop, and the mixes that are in no file.
fn unfinished(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    if let ExperimentStatus::Busy(name, _) = state.experiments.status {
        found.push(format!("`{name}` is under way and would be lost"));
    }
    let unsaved: Vec<&OpenRun> = state.runs.iter().filter(|run| mixer::is_unsaved(run)).collect();
    if let Some(first) = unsaved.first() {
        let save = state.key_of(Action::SaveMix);
        let more = if unsaved.len() > 1 { format!(" and {} more", unsaved.len() - 1) } else { String::new() };
        let kept = if state.quitting.keeps { "it returns in the next session" } else { "it is not kept" };
        found.push(format!("the mix of {}{more} is in no file ({save} saves it; {kept})", first.short_name()));
    }
    found
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
