//! What an action does: state in, state and effects out. Nothing is drawn, read or written here.

mod comparison;
mod copying;
mod demo_editor;
mod experiments;
mod input;
mod messages;
pub mod mixer;
mod requests;
mod run_list;
mod screen_data;
mod selection;
mod session;

pub use demo_editor::on_query_answer;
pub use experiments::{on_experiment_event, on_quick_experiment_event};
pub use messages::{on_baselines_event, on_file_event, on_fit_event, on_run_event, on_stats_event};
pub use session::Remembered;

use crate::{analysis::Kind, text::printable};

use super::{
    action::{Action, Section},
    effect::{Effect, Leave},
    keymap::{Code, Key, KeyContext},
    state::{
        Overlay, Phase, Screen, Severity, State,
        input::{Palette, place},
    },
};
use screen_data::request_missing;
use selection::{extreme, next_of, step, walk, walk_ranks};

/// Does what `key` means where it is pressed; in a line that is typed, characters are typed.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if let (KeyContext::Line, Key { code: Code::Char(character), ctrl: false, alt: false }) = (state.place(), key) {
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
    let typed = input::edit_line(state, action);
    let mut effects = match state.overlay {
        _ if action == Action::Interrupt => vec![Effect::Quit(Leave::Interrupted)],
        _ if typed => Vec::new(),
        Some(Overlay::Help(scroll)) => {
            input::in_help(state, action, scroll);
            Vec::new()
        }
        Some(Overlay::Palette(_)) => match input::in_palette(state, action) {
            Some(chosen) => update(state, chosen),
            None => Vec::new(),
        },
        Some(Overlay::Search) => {
            input::in_search(state, action);
            Vec::new()
        }
        Some(Overlay::Line(_)) => input::in_line(state, action),
        Some(Overlay::Pool { .. }) => {
            demo_editor::in_pool(state, action);
            Vec::new()
        }
        None if state.screen == Screen::Runs && is_of_the_shelf(action) => run_list::act(state, action),
        None if state.screen == Screen::Matrix
            && matches!(action, Action::Up | Action::Down | Action::Left | Action::Right) =>
        {
            comparison::walk(state, action);
            Vec::new()
        }
        None if state.screen == Screen::Prompt && is_of_the_prompt(action) => demo_editor::act(state, action),
        None => on_screen(state, action),
    };
    if !matches!(action, Action::Stronger | Action::Weaker) {
        state.run_mut().into_iter().for_each(|run| run.mixer.let_go());
    }
    if state.place() != KeyContext::Line {
        state.caret = 0;
    }
    state.refresh();
    effects.extend(request_missing(state));
    effects
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
        Action::Mark | Action::MarkLayer | Action::MarkColumn | Action::MarkAll => selection::mark(state, action),
        Action::Kinds => selection::next_kind(state),
        Action::Metric => state.map.metric = state.map.metric.next(state.run()),
        Action::Filter => state.example_list.filter = state.example_list.filter.next(),
        Action::FilterLabel => selection::filter_label(state),
        Action::ListDown => step(state, 1),
        Action::ListUp => step(state, -1),
        Action::PageDown | Action::PageUp if state.scrolls_prompt() => selection::scroll(state, action),
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
        Action::Prompt => state.turn_to(Screen::Prompt),
        Action::FullPrompt => {
            state.example_list.prompt = if state.example_list.prompt.is_some() { None } else { Some(0) }
        }
        Action::Earlier
        | Action::Later
        | Action::Relabel
        | Action::Another
        | Action::Replace
        | Action::Add
        | Action::Remove
        | Action::OwnText => {
            let prompt = state.key_of(Action::Prompt);
            state.notify(Severity::Plain, format!("{prompt} opens the demonstrations, where that can be done"));
        }
        Action::Mixer => state.turn_to(Screen::Mixer),
        Action::Examples => state.turn_to(Screen::Examples),
        Action::Compare => comparison::compare(state),
        Action::Matrix => state.turn_to(Screen::Matrix),
        Action::Runs => state.turn_to(Screen::Runs),
        Action::Open if state.screen == Screen::Matrix => comparison::open(state),
        Action::Open | Action::Delete => {
            let runs = state.key_of(Action::Runs);
            state.notify(Severity::Plain, format!("{runs} opens the list of runs, where that can be done"));
        }
        Action::Queue => return run_list::queue_next(state),
        Action::OtherRun => comparison::next_other(state),
        Action::ToggleMix => mixer::toggle_mix(state),
        Action::Theme => state.theme += 1,
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Close => return close(state),
        Action::Mute | Action::Solo | Action::GainUp | Action::GainDown | Action::FlipSign | Action::Reset => {
            mixer::turn(state, action);
        }
        Action::ResetAll | Action::Undo | Action::Redo => mixer::history(state, action),
        Action::Fit => return mixer::fit(state),
        Action::Method => mixer::next_method(state),
        Action::Stronger => mixer::slide(state, -1),
        Action::Weaker => mixer::slide(state, 1),
        Action::SaveMix | Action::LoadMix => mixer::ask_for_path(state, action),
        Action::NextTask | Action::NextTemplate | Action::NextSeed | Action::PreviousSeed | Action::Rerun => {
            return requests::switch(state, action);
        }
        Action::Attention
        | Action::Writes
        | Action::AblateMix
        | Action::AblateEach
        | Action::Positions
        | Action::Fill => return experiments::act(state, action),
        Action::Cancel => return requests::cancel(state),
        Action::Quit => return vec![Effect::Quit(Leave::Asked)],
    }
    Vec::new()
}

/// A message that was read goes away; without one the marks, then the screen for the map, then what restricts it.
fn close(state: &mut State) -> Vec<Effect> {
    if matches!(state.phase, Phase::Failed(_)) {
        state.phase = Phase::Idle;
        return run_list::begin_next(state);
    }
    if !state.marks.is_empty() {
        state.marks.clear();
    } else if state.screen == Screen::Map {
        state.kinds = None;
        state.example_list.label = None;
        state.example_list.needle.clear();
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
    state.screen = Screen::default();
    if screen == state.screen {
        state.refresh();
        return request_missing(state);
    }
    update(state, screen.opened_by())
}

/// Takes what was typed or pasted, if a line is open. Breaks of a pasted text become spaces; what cannot stand in a line
/// is left out.
pub fn type_text(state: &mut State, text: &str) -> Vec<Effect> {
    let typed = printable(text.trim_end_matches(['\r', '\n'])).into_owned();
    let caret = state.caret;
    let Some(line) = input::open_line(state) else { return Vec::new() };
    let at = place(line, caret);
    line.insert_str(at, &typed);
    input::changed(state);
    state.refresh();
    request_missing(state)
}

/// Goes to the row and column `pair`, or opens it where the cursor is there already.
pub fn go_to_pair(state: &mut State, pair: (usize, usize)) -> Vec<Effect> {
    let count = state.matrix.runs.len();
    if pair == state.matrix.at {
        comparison::open(state);
    } else if pair.0 < count && pair.1 < count {
        state.matrix.at = pair;
    }
    state.refresh();
    request_missing(state)
}
