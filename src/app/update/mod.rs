//! What an action does: state in, state and effects out. Nothing is drawn, read or written here.

mod copying;
mod cursor;
mod effect;
mod faders;
mod pairs;
mod work;

pub use effect::{Effect, Leave};

use crate::analysis::Kind;

use super::{
    action::Action,
    key::{Code, Key},
    keymap::Place,
    state::{Overlay, Phase, Screen, State},
    switch,
    typing::{self, Palette, type_char},
};
use cursor::{extreme, next_of, step, walk, walk_ranks};

/// Examples moved by one page.
const PAGE: isize = 8;

/// Does what `key` means where it is pressed; in a line that is typed, characters are typed.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if let (Place::Line, Key { code: Code::Char(character), ctrl: false, alt: false }) = (state.place(), key) {
        type_char(state, character);
        return Vec::new();
    }
    match state.keymap.lookup(state.place(), key) {
        Some(action) => update(state, action),
        None => Vec::new(),
    }
}

/// Does `action`.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    state.notice = None;
    let effects = match state.overlay {
        _ if action == Action::Interrupt => vec![Effect::Quit(Leave::Interrupted)],
        Some(Overlay::Help(scroll)) => in_help(state, action, scroll),
        Some(Overlay::Palette(_)) => typing::in_palette(state, action),
        Some(Overlay::Search) => {
            typing::in_search(state, action);
            Vec::new()
        }
        None => on_screen(state, action),
    };
    state.refresh();
    effects
}

fn in_help(state: &mut State, action: Action, scroll: usize) -> Vec<Effect> {
    state.overlay = match action {
        Action::Down => Some(Overlay::Help(scroll + 1)),
        Action::Up => Some(Overlay::Help(scroll.saturating_sub(1))),
        _ => None,
    };
    Vec::new()
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
        Action::Top => walk(state, isize::MAX, 0),
        Action::Bottom => walk(state, isize::MIN, 0),
        Action::Best => extreme(state, 1.0),
        Action::Worst => extreme(state, -1.0),
        Action::NextGood => next_of(state, Kind::Good, "good"),
        Action::NextBad => next_of(state, Kind::Bad, "bad"),
        Action::NextBiased => next_of(state, Kind::LabelBiased, "label-biased"),
        Action::Metric => state.map.metric = state.map.metric.next(),
        Action::Filter => state.listing.filter = state.listing.filter.next(),
        Action::ListDown => step(state, 1),
        Action::ListUp => step(state, -1),
        Action::PageDown => step(state, PAGE),
        Action::PageUp => step(state, -PAGE),
        Action::Search => state.overlay = Some(Overlay::Search),
        Action::Palette => state.overlay = Some(Overlay::Palette(Palette::default())),
        Action::Accept | Action::Erase | Action::Nothing | Action::Interrupt => {}
        Action::Suspend => return vec![Effect::Suspend],
        Action::Copy => return copying::copy(state),
        Action::Ranking => state.ranked = !state.ranked,
        Action::Examples => turn_to(state, Screen::Examples),
        Action::Compare => pairs::compare(state),
        Action::OtherRun => pairs::next_other(state),
        Action::ToggleMix => faders::toggle_mix(state),
        Action::Theme => state.theme += 1,
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Close => close(state),
        Action::Mute | Action::Solo | Action::GainUp | Action::GainDown | Action::FlipSign | Action::Reset => {
            faders::turn(state, action);
        }
        Action::ResetAll | Action::Undo | Action::Redo => faders::history(state, action),
        Action::Fit => return work::fit(state),
        Action::NextTask | Action::NextTemplate | Action::NextSeed | Action::PreviousSeed | Action::Rerun => {
            return switch::switch(state, action);
        }
        Action::Cancel => return work::cancel(state),
        Action::Quit => return vec![Effect::Quit(Leave::Asked)],
    }
    Vec::new()
}

/// A message that was read goes away; without one, the map comes back, and then the whole list.
fn close(state: &mut State) {
    if matches!(state.phase, Phase::Failed(_)) {
        state.phase = Phase::Idle;
    } else if state.screen == Screen::Map {
        state.listing.needle.clear();
    } else {
        state.screen = Screen::Map;
    }
}

/// Goes to a screen, or back to the map from there.
fn turn_to(state: &mut State, screen: Screen) {
    state.screen = if state.screen == screen { Screen::Map } else { screen };
}
