//! The mix as a whole: by which method it is fitted, along which path, and what it is held against.

use crate::{
    analysis::{Method, WeightsFile},
    app::{
        action::Action,
        effect::Effect,
        state::{
            Fitting, Overlay, Screen, State, Tone,
            fit::{self, Scores},
            input::{Purpose, Typed},
            open_run::Sheet,
        },
    },
    text::printable,
};

/// How finely a fader is dragged.
const GRAIN: f64 = 0.05;

/// Moves along the path of the fit by so many strengths, weaker penalties for positive steps.
pub(super) fn slide(state: &mut State, steps: isize) {
    let Some(path) = state.sheet().and_then(|sheet| sheet.path.as_ref()) else { return explain(state) };
    slide_to(state, path.at.saturating_add_signed(steps).min(path.fits.len() - 1));
}

/// Goes to a place on the path of the fit.
pub fn slide_to(state: &mut State, at: usize) {
    let Some(sheet) = state.sheet_mut() else { return };
    let Some(path) = &mut sheet.path else { return };
    path.at = at.min(path.fits.len().saturating_sub(1));
    let Some(mix) = path.here().map(|fit| fit.mix.clone()) else { return };
    sheet.desk.slide(&mix);
    sheet.follow();
}

/// Goes to the share `share` of the path.
pub fn drag_strength(state: &mut State, share: f64) {
    let last = state.sheet().and_then(|sheet| sheet.path.as_ref()).map(|path| path.fits.len().saturating_sub(1));
    if let Some(last) = last {
        slide_to(state, (share * last as f64).round() as usize);
        state.refresh();
    }
}

/// Drags the fader of a strip to the share `share` of its track.
pub fn drag(state: &mut State, strip: usize, share: f64) {
    let (low, high) = state.mixer.span;
    select_strip(state, strip);
    if let Some(sheet) = state.sheet_mut() {
        sheet.desk.drag(strip, ((low + share * (high - low)) / GRAIN).round() * GRAIN);
        sheet.desk.on &= !sheet.desk.is_model();
        sheet.follow();
    }
    state.refresh();
}

/// Lets go of what the mouse holds.
pub fn let_go(state: &mut State) {
    state.mixer.held = None;
    state.sheet_mut().into_iter().for_each(|sheet| sheet.desk.let_go());
    state.refresh();
}

/// Goes to a strip.
pub fn select_strip(state: &mut State, strip: usize) {
    match state.sheet().map(|sheet| sheet.desk.rest_strip()) {
        Some(rest) if rest == strip => state.mixer.on_rest = true,
        Some(_) => state.select(strip),
        None => {}
    }
}

/// Why there is no path to slide on.
fn explain(state: &mut State) {
    let fit = state.key_of(Action::Fit);
    let fitted = state.fit_note.as_ref().filter(|note| state.sheet().is_some_and(|sheet| sheet.id == note.sheet));
    let why = match fitted.map(|note| note.method) {
        Some(method @ (Method::CompRw | Method::CompRwReleased)) => format!("{method} names its own λ: it has no path"),
        Some(_) => "the path is being fitted".to_owned(),
        None => format!("there is no fit yet: {fit} fits one, then λ slides"),
    };
    state.notify(Tone::Plain, why);
}

/// Asks for what the mix of the shown run is held against, once it is looked at.
pub(super) fn ask_for_scores(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Mix {
        return Vec::new();
    }
    let Some(sheet) = state.sheet_mut().filter(|sheet| sheet.is_complete() && sheet.scores.is_none()) else {
        return Vec::new();
    };
    sheet.scores = Some(Scores::Asked);
    vec![Effect::Score { sheet: sheet.id, train: sheet.train.table.clone(), test: sheet.test.table.clone() }]
}

/// The mix that is set, as a file: by the method that fitted it if its faders have not been touched since.
pub fn file_of(sheet: &Sheet) -> WeightsFile {
    let mix = sheet.desk.mix();
    let fits = sheet.path.iter().flat_map(|path| &path.fits).chain(&sheet.fit);
    let fitted = fits.into_iter().find(|fit| fit.mix == mix).map(|fit| (fit.method, fit.lambda));
    let loaded = sheet.loaded.as_ref().filter(|(file, _)| *file == mix).map(|(_, origin)| *origin);
    let origin = fitted.or(loaded).unwrap_or((Method::Manual, 0.0));
    WeightsFile::of(&mix, origin, (&sheet.model, &sheet.task, &sheet.prompt, sheet.request.as_ref()))
}

/// Puts the faders where a file has them, unless it belongs to something else.
pub(super) fn load(state: &mut State, id: u64, path: &str, file: &WeightsFile) {
    let Some(sheet) = state.sheet_by_id(id) else { return };
    match file.mix(&sheet.model, &sheet.task) {
        Ok(mix) => {
            sheet.desk.load(&mix);
            sheet.loaded = Some((mix, (file.method, file.lambda)));
            sheet.follow();
            let other = if file.demo_ids == sheet.prompt.demo_ids { "" } else { ", fitted with other demonstrations" };
            let text = format!("loaded {} ({}{other})", printable(path), file.method);
            state.notify(Tone::Good, text);
        }
        Err(error) => state.notify(Tone::Bad, printable(&error.to_string()).into_owned()),
    }
}

pub(super) fn fit(state: &mut State) -> Vec<Effect> {
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
        return vec![Effect::Fit { sheet: id, table, method: state.mixer.method }];
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

/// Opens the line for the path of a weights file.
pub(super) fn ask_for_path(state: &mut State, action: Action) {
    if state.sheet().is_some() {
        let purpose = if action == Action::SaveMix { Purpose::SaveMix } else { Purpose::LoadMix };
        state.overlay = Some(Overlay::Line(Typed { purpose, text: "mix.json".to_owned(), sure: false }));
    }
}

pub(super) fn toggle_mix(state: &mut State) {
    let (fit, mute) = (state.key_of(Action::Fit), state.key_of(Action::Mute));
    let Some(sheet) = state.sheet_mut() else { return };
    if sheet.desk.is_model() {
        sheet.desk.on = false;
        state.notify(Tone::Plain, format!("there is no mix yet: {fit} fits one, {mute} mutes a component"));
    } else {
        sheet.desk.on = !sheet.desk.on;
    }
}

/// Moves the faders that are marked, or the one under the cursor.
pub(super) fn turn(state: &mut State, action: Action) {
    let strips = state.targets();
    let Some(sheet) = state.sheet_mut().filter(|_| !strips.is_empty()) else { return };
    match action {
        Action::Mute => sheet.desk.mute(&strips),
        Action::Solo => sheet.desk.solo(&strips),
        Action::GainUp => sheet.desk.move_by(&strips, 1.0),
        Action::GainDown => sheet.desk.move_by(&strips, -1.0),
        Action::FlipSign => sheet.desk.invert(&strips),
        _ => sheet.desk.reset(&strips),
    }
    sheet.desk.on &= !sheet.desk.is_model();
    sheet.follow();
}

pub(super) fn history(state: &mut State, action: Action) {
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

/// Chooses the next method of fitting.
pub(super) fn next_method(state: &mut State) {
    state.mixer.method = fit::next_method(state.mixer.method);
    let (method, fit) = (state.mixer.method, state.key_of(Action::Fit));
    state.notify(Tone::Plain, format!("{fit} now fits by {method}: {}", method.about()));
}
