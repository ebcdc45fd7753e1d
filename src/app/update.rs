//! What an action does: state in, state and effects out. Nothing is drawn, read or written here.

use std::sync::Arc;

use crate::{
    analysis::Kind,
    attribution::{Attribution, Split},
    runner::RunRequest,
};

use super::{
    action::Action,
    key::{Code, Key},
    keymap::Place,
    pairing::comparable,
    state::{Fitting, Overlay, Phase, Screen, State, Tone},
    switch,
    typing::{self, Palette, type_char},
};

/// What the world outside has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the model's worker for a run; it cancels the one before.
    Run(RunRequest),
    /// Stop the run.
    CancelRun,
    /// Fit the mix of a sheet on its training table.
    Fit {
        /// Which sheet.
        sheet: u64,
        /// Its training split.
        table: Arc<Attribution>,
    },
    /// Judge the components of a sheet on its test table.
    Judge {
        /// Which sheet.
        sheet: u64,
        /// Its test split.
        table: Arc<Attribution>,
    },
    /// Put this on the clipboard.
    Copy(String),
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit(Leave),
}

/// How the user left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Asked to.
    Asked,
    /// Interrupted.
    Interrupted,
}

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
        Action::Copy => return copy(state),
        Action::Ranking => state.ranked = !state.ranked,
        Action::Examples => turn_to(state, Screen::Examples),
        Action::Compare => compare(state),
        Action::OtherRun => next_other(state),
        Action::ToggleMix => toggle_mix(state),
        Action::Theme => state.theme += 1,
        Action::Help => state.overlay = Some(Overlay::Help(0)),
        Action::Close => close(state),
        Action::Mute | Action::Solo | Action::GainUp | Action::GainDown | Action::FlipSign | Action::Reset => {
            turn(state, action);
        }
        Action::ResetAll | Action::Undo | Action::Redo => history(state, action),
        Action::Fit => return fit(state),
        Action::NextTask | Action::NextTemplate | Action::NextSeed | Action::PreviousSeed | Action::Rerun => {
            return switch::switch(state, action);
        }
        Action::Cancel => return cancel(state),
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

/// Moves in the list of the screen.
fn step(state: &mut State, rows: isize) {
    if state.screen == Screen::Compare {
        let last = state.pairing.as_ref().map_or(0, |pairing| pairing.flips.len().saturating_sub(1));
        state.flip = state.flip.saturating_add_signed(rows).min(last);
    } else {
        state.listing.step(rows);
    }
}

/// Compares with the run that was shown before; if that cannot be, with another one.
fn compare(state: &mut State) {
    turn_to(state, Screen::Compare);
    let fits = state.other_sheet().zip(state.sheet()).is_some_and(|(a, b)| comparable(a, b));
    if state.screen == Screen::Compare && !fits {
        next_other(state);
    }
}

fn next_other(state: &mut State) {
    let Some(shown) = state.sheet() else { return };
    let after = state.sheets.iter().position(|sheet| Some(sheet.id) == state.other).map_or(0, |at| at + 1);
    let count = state.sheets.len();
    let mut around = (0..count).map(|step| &state.sheets[(after + step) % count]);
    let next = around.find(|sheet| sheet.id != shown.id && sheet.is_complete() && comparable(sheet, shown));
    if let Some(id) = next.map(|sheet| sheet.id) {
        state.other = Some(id);
        return;
    }
    let seed = state.key_of(Action::NextSeed);
    state.notify(Tone::Plain, format!("no other run of this task is at hand: {seed} draws other demonstrations"));
}

/// Moves down the ranks.
fn walk_ranks(state: &mut State, rows: isize) {
    let at = state.selected().and_then(|selected| state.order.iter().position(|&component| component == selected));
    let next = at.map(|at| at.saturating_add_signed(rows).min(state.order.len() - 1));
    if let Some(next) = next {
        state.select(state.order[next]);
    }
}

/// Moves the cursor and stops at the edge. Layers count upwards, as the residual stream flows.
fn walk(state: &mut State, layers: isize, columns: isize) {
    let Some(shape) = state.sheet().map(|sheet| sheet.shape) else { return };
    let cursor = &mut state.cursor;
    cursor.layer = cursor.layer.min(shape.layers - 1).saturating_add_signed(layers).min(shape.layers - 1);
    cursor.column = cursor.column.min(shape.heads).saturating_add_signed(columns).min(shape.heads);
}

/// Goes to the largest value of the map, or to the smallest if `sign` is negative; the first one wins a tie.
fn extreme(state: &mut State, sign: f64) {
    let known = state.map.values.iter().enumerate().filter_map(|(index, value)| Some((index, (*value)? * sign)));
    let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
    if let Some((index, _)) = best {
        state.select(index);
    }
}

fn next_of(state: &mut State, kind: Kind, name: &str) {
    let (Some(sheet), Some(selected)) = (state.sheet(), state.selected()) else { return };
    let count = sheet.shape.components();
    let mut others = (1..=count).map(|step| (selected + step) % count);
    match others.find(|&component| sheet.kind(component) == Some(kind)) {
        Some(component) => state.select(component),
        None if sheet.stats.is_none() => state.notify(Tone::Plain, "kinds are known when the run is complete"),
        None => state.notify(Tone::Plain, format!("no component is {name} here")),
    }
}

fn toggle_mix(state: &mut State) {
    let (fit, mute) = (state.key_of(Action::Fit), state.key_of(Action::Mute));
    let Some(sheet) = state.sheet_mut() else { return };
    if sheet.desk.is_model() {
        sheet.desk.on = false;
        state.notify(Tone::Plain, format!("there is no mix yet: {fit} fits one, {mute} mutes a component"));
    } else {
        sheet.desk.on = !sheet.desk.on;
    }
}

/// Moves the fader under the cursor.
fn turn(state: &mut State, action: Action) {
    let Some(component) = state.selected() else { return };
    let Some(sheet) = state.sheet_mut() else { return };
    match action {
        Action::Mute => sheet.desk.mute(component),
        Action::Solo => sheet.desk.solo(component),
        Action::GainUp => sheet.desk.move_by(component, 1.0),
        Action::GainDown => sheet.desk.move_by(component, -1.0),
        Action::FlipSign => sheet.desk.invert(component),
        _ => sheet.desk.reset(component),
    }
    sheet.desk.on &= !sheet.desk.is_model();
    sheet.follow();
}

fn history(state: &mut State, action: Action) {
    let Some(sheet) = state.sheet_mut() else { return };
    let done = match action {
        Action::Undo => sheet.desk.undo(),
        Action::Redo => sheet.desk.redo(),
        _ => {
            sheet.desk.reset_all();
            true
        }
    };
    sheet.desk.on &= !sheet.desk.is_model();
    sheet.follow();
    if !done {
        let what = if action == Action::Undo { "take back" } else { "make again" };
        state.notify(Tone::Plain, format!("there is nothing to {what}"));
    }
}

fn fit(state: &mut State) -> Vec<Effect> {
    let Some(sheet) = state.sheet() else {
        state.notify(Tone::Plain, "there is no run to fit yet");
        return Vec::new();
    };
    let (id, table) = (sheet.id, sheet.train.table.clone());
    if table.capacity() == 0 {
        state.notify(Tone::Bad, "this run has no training examples to fit on");
        return Vec::new();
    }
    if table.is_complete() {
        state.fitting = Fitting::Running(id);
        return vec![Effect::Fit { sheet: id, table }];
    }
    if state.phase.is_busy() {
        state.fitting = Fitting::Waiting(id);
        state.notify(Tone::Plain, "the fit begins as soon as the training examples are there");
    } else {
        let again = state.key_of(Action::Rerun);
        let why = "the run was stopped before its training examples were there";
        state.notify(Tone::Bad, format!("{why}; {again} runs it again"));
    }
    Vec::new()
}

/// The row of what is selected, with tabs between its columns.
fn copy(state: &mut State) -> Vec<Effect> {
    let row = if state.screen == Screen::Examples { example_row(state) } else { component_row(state) };
    let Some(row) = row else { return Vec::new() };
    state.notify(Tone::Plain, format!("copied: {}", row.replace('\t', "  ")));
    vec![Effect::Copy(row)]
}

fn component_row(state: &State) -> Option<String> {
    let (sheet, component) = (state.sheet()?, state.selected()?);
    let accuracy = sheet.test.tally.accuracy(component)?;
    let kind = sheet.kind(component).map_or("", Kind::name);
    Some(format!("{}\t{accuracy:.4}\t{kind}\t{}", sheet.name(component), sheet.desk.weight(component)))
}

fn example_row(state: &State) -> Option<String> {
    let (sheet, example) = (state.sheet()?, *state.listing.rows.get(state.listing.at)?);
    let item = &sheet.test.items[example];
    let said = sheet.label(*sheet.predicted(Split::Test).get(example)?);
    Some(format!("{}\t{}\t{said}\t{}", item.id, sheet.label(item.gold), item.text))
}

fn cancel(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() {
        state.phase = Phase::Stopped;
        return vec![Effect::CancelRun];
    }
    state.notify(Tone::Plain, "nothing is being computed");
    Vec::new()
}
