//! What an action does: state in, state and effects out. Nothing is drawn, read or written here.

mod copying;
mod cursor;
mod effect;
mod faders;
mod marks;
mod pairs;
mod work;

pub use effect::{Effect, Leave};

use crate::analysis::Kind;

use super::{
    action::{Action, Section},
    cause, editor,
    key::{Code, Key},
    keymap::Place,
    matrix, mixer, shelf,
    state::{Overlay, Phase, Screen, State, Tone},
    switch,
    typing::{self, Palette, Purpose, Typed, type_text},
};
use cursor::{extreme, next_of, step, walk, walk_ranks};

/// Does what `key` means where it is pressed; in a line that is typed, characters are typed.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if let (Place::Line, Key { code: Code::Char(character), ctrl: false, alt: false }) = (state.place(), key) {
        return type_text(state, character.encode_utf8(&mut [0; 4]));
    }
    match state.keymap.lookup(state.place(), key) {
        Some(action) => update(state, action),
        None => Vec::new(),
    }
}

/// Does `action`.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    state.notice = None;
    let typed = typing::edit_line(state, action);
    let mut effects = match state.overlay {
        _ if action == Action::Interrupt => vec![Effect::Quit(Leave::Interrupted)],
        _ if typed => Vec::new(),
        Some(Overlay::Help(scroll)) => in_help(state, action, scroll),
        Some(Overlay::Palette(_)) => typing::in_palette(state, action),
        Some(Overlay::Search) => {
            typing::in_search(state, action);
            Vec::new()
        }
        Some(Overlay::Line(_)) => typing::in_line(state, action),
        Some(Overlay::Pool { .. }) => {
            editor::in_pool(state, action);
            Vec::new()
        }
        None if state.screen == Screen::Runs && is_of_the_shelf(action) => shelf::act(state, action),
        None if state.screen == Screen::Matrix
            && matches!(action, Action::Up | Action::Down | Action::Left | Action::Right) =>
        {
            matrix::walk(state, action);
            Vec::new()
        }
        None if state.screen == Screen::Prompt && is_of_the_prompt(action) => editor::act(state, action),
        None => on_screen(state, action),
    };
    if !matches!(action, Action::Stronger | Action::Weaker) {
        state.sheet_mut().into_iter().for_each(|sheet| sheet.desk.let_go());
    }
    if state.place() != Place::Line {
        state.caret = 0;
    }
    state.refresh();
    effects.extend(settle(state));
    effects
}

/// Asks for what the screen needs and does not have yet.
pub(super) fn settle(state: &mut State) -> Vec<Effect> {
    matrix::settle(state);
    [mixer::ask_for_scores(state), editor::settle(state), shelf::settle(state), cause::look_for_more(state)].concat()
}

/// Whether an action is about the row under the cursor in the list of runs.
const fn is_of_the_shelf(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::Top
            | Action::Bottom
            | Action::PageUp
            | Action::PageDown
            | Action::Open
            | Action::Delete
            | Action::Rerun
            | Action::Compare
    )
}

/// Whether an action is about the demonstrations where they are edited.
const fn is_of_the_prompt(action: Action) -> bool {
    matches!(action.section(), Section::Prompt)
        || matches!(
            action,
            Action::Up
                | Action::Down
                | Action::Top
                | Action::Bottom
                | Action::PageUp
                | Action::PageDown
                | Action::Undo
                | Action::Redo
        )
}

fn in_help(state: &mut State, action: Action, scroll: usize) -> Vec<Effect> {
    let last = help_rows().saturating_sub(state.page);
    let scroll = scroll.min(last);
    state.overlay = match action {
        Action::Top => Some(Overlay::Help(0)),
        Action::Bottom => Some(Overlay::Help(last)),
        _ => {
            typing::rows_of(action, state.page).map(|rows| Overlay::Help(scroll.saturating_add_signed(rows).min(last)))
        }
    };
    Vec::new()
}

/// Rows of the help: a heading a section, and every action but the one that does nothing.
fn help_rows() -> usize {
    Section::ALL.len() + Action::ALL.len() - 1
}

fn on_screen(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Left => walk(state, 0, -1),
        Action::Right => walk(state, 0, 1),
        Action::Up if state.is_ranking() => walk_ranks(state, -1),
        Action::Down if state.is_ranking() => walk_ranks(state, 1),
        Action::Up => walk(state, 1, 0),
        Action::Down => walk(state, -1, 0),
        Action::RowStart => walk(state, 0, isize::MIN),
        Action::RowEnd => walk(state, 0, isize::MAX),
        Action::Top if state.is_ranking() => walk_ranks(state, isize::MIN),
        Action::Bottom if state.is_ranking() => walk_ranks(state, isize::MAX),
        Action::Top if state.screen == Screen::Examples => step(state, isize::MIN),
        Action::Bottom if state.screen == Screen::Examples => step(state, isize::MAX),
        Action::Top => walk(state, isize::MAX, 0),
        Action::Bottom => walk(state, isize::MIN, 0),
        Action::Best => extreme(state, 1.0),
        Action::Worst => extreme(state, -1.0),
        Action::NextGood => next_of(state, Kind::Good, "good"),
        Action::NextBad => next_of(state, Kind::Bad, "bad"),
        Action::NextBiased => next_of(state, Kind::LabelBiased, "label-biased"),
        Action::Mark | Action::MarkLayer | Action::MarkColumn | Action::MarkAll => marks::mark(state, action),
        Action::Kinds => marks::next_kind(state),
        Action::Metric => state.map.metric = state.map.metric.next(state.sheet()),
        Action::Filter => state.listing.filter = state.listing.filter.next(),
        Action::FilterLabel => filter_label(state),
        Action::ListDown => step(state, 1),
        Action::ListUp => step(state, -1),
        Action::PageDown | Action::PageUp if state.scrolls_prompt() => scroll(state, action),
        Action::PageDown => step(state, state.page as isize),
        Action::PageUp => step(state, -(state.page as isize)),
        Action::Search => state.overlay = Some(Overlay::Search),
        Action::Palette => state.overlay = Some(Overlay::Palette(Palette::default())),
        Action::Accept
        | Action::Erase
        | Action::EraseNext
        | Action::EraseWord
        | Action::Clear
        | Action::LineStart
        | Action::LineEnd
        | Action::Nothing
        | Action::Interrupt => {}
        Action::Suspend => return vec![Effect::Suspend],
        Action::Copy => return copying::copy(state),
        Action::Ranking => state.ranked = !state.ranked,
        Action::Detail => state.detail = !state.detail,
        Action::Prompt => turn_to(state, Screen::Prompt),
        Action::FullPrompt => state.listing.prompt = if state.listing.prompt.is_some() { None } else { Some(0) },
        Action::Earlier
        | Action::Later
        | Action::Relabel
        | Action::Another
        | Action::Replace
        | Action::Add
        | Action::Remove
        | Action::OwnText => {
            let prompt = state.key_of(Action::Prompt);
            state.notify(Tone::Plain, format!("{prompt} opens the demonstrations, where that can be done"));
        }
        Action::Mixer => turn_to(state, Screen::Mix),
        Action::Examples => turn_to(state, Screen::Examples),
        Action::Compare => pairs::compare(state),
        Action::Matrix => turn_to(state, Screen::Matrix),
        Action::Runs => turn_to(state, Screen::Runs),
        Action::Open if state.screen == Screen::Matrix => matrix::open(state),
        Action::Open | Action::Delete => {
            let runs = state.key_of(Action::Runs);
            state.notify(Tone::Plain, format!("{runs} opens the list of runs, where that can be done"));
        }
        Action::Queue => return shelf::queue_next(state),
        Action::OtherRun => pairs::next_other(state),
        Action::ToggleMix => faders::toggle_mix(state),
        Action::Theme => state.theme += 1,
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Close => return close(state),
        Action::Mute | Action::Solo | Action::GainUp | Action::GainDown | Action::FlipSign | Action::Reset => {
            faders::turn(state, action);
        }
        Action::ResetAll | Action::Undo | Action::Redo => faders::history(state, action),
        Action::Fit => return work::fit(state),
        Action::Method => faders::next_method(state),
        Action::Stronger => mixer::slide(state, -1),
        Action::Weaker => mixer::slide(state, 1),
        Action::SaveMix | Action::LoadMix => ask_for_path(state, action),
        Action::NextTask | Action::NextTemplate | Action::NextSeed | Action::PreviousSeed | Action::Rerun => {
            return switch::switch(state, action);
        }
        Action::Attention
        | Action::Writes
        | Action::AblateMix
        | Action::AblateEach
        | Action::Positions
        | Action::Fill => return cause::act(state, action),
        Action::Cancel => return work::cancel(state),
        Action::Quit => return vec![Effect::Quit(Leave::Asked)],
    }
    Vec::new()
}

/// Shows only the examples of the next gold label, after the last one all again.
fn filter_label(state: &mut State) {
    let Some(labels) = state.sheet().map(|sheet| sheet.shape.labels) else { return };
    state.listing.label = Some(state.listing.label.map_or(0, |label| label + 1)).filter(|&label| label < labels);
}

/// Scrolls the prompt of the example that is opened.
fn scroll(state: &mut State, action: Action) {
    let below = state.listing.prompt.unwrap_or(0);
    let page = state.page;
    let next = if action == Action::PageUp { below + page } else { below.saturating_sub(page) };
    state.listing.prompt = Some(next);
}

/// Opens the line for the path of a weights file.
fn ask_for_path(state: &mut State, action: Action) {
    if state.sheet().is_some() {
        let purpose = if action == Action::SaveMix { Purpose::SaveMix } else { Purpose::LoadMix };
        state.overlay = Some(Overlay::Line(Typed { purpose, text: "mix.json".to_owned(), sure: false }));
    }
}

/// A message that was read goes away; without one the marks, then the screen for the map, then what restricts it.
fn close(state: &mut State) -> Vec<Effect> {
    if matches!(state.phase, Phase::Failed(_)) {
        state.phase = Phase::Idle;
        return shelf::begin_next(state);
    }
    if !state.marks.is_empty() {
        state.marks.clear();
    } else if state.screen == Screen::Map {
        state.kinds = None;
        state.listing.label = None;
        state.listing.needle.clear();
    } else {
        state.screen = Screen::Map;
    }
    Vec::new()
}

/// Goes to a screen and stays there.
pub fn go_to(state: &mut State, screen: Screen) -> Vec<Effect> {
    if state.screen == screen {
        return Vec::new();
    }
    state.screen = Screen::Map;
    let action = match screen {
        Screen::Map => {
            state.refresh();
            return settle(state);
        }
        Screen::Mix => Action::Mixer,
        Screen::Prompt => Action::Prompt,
        Screen::Examples => Action::Examples,
        Screen::Cause => Action::Attention,
        Screen::Compare => Action::Compare,
        Screen::Matrix => Action::Matrix,
        Screen::Runs => Action::Runs,
    };
    update(state, action)
}

/// Goes to a screen, or back to the map from there.
fn turn_to(state: &mut State, screen: Screen) {
    state.screen = if state.screen == screen { Screen::Map } else { screen };
}
