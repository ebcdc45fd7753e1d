//! The mix as a whole: by which method it is fitted, along which path, and what it is held against.

use std::sync::Arc;

use crate::{
    analysis::{Method, WeightsFile},
    app::{
        action::Action,
        effect::Effect,
        state::{
            Fitting, Overlay, Screen, Severity, State,
            fit::{self, BaselineScores},
            generations::Work,
            input::{InputKind, LineInput},
            list::{rows_beside_map, rows_of},
            open_run::OpenRun,
        },
    },
    attribution::Attribution,
    jobs::{BaselinesRequest, FitRequest},
    text::printable,
};

use super::{
    copying,
    selection::{select_channel, walk_list},
};

/// How finely a fader is dragged.
const GRAIN: f64 = 0.05;

/// What an action does at the mixer only: its cursor goes along the channels, of which `rest` is the first.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    if action == Action::Copy && state.fit_controls.on_rest {
        return Some(copying::copy(state, rest_cells(state)));
    }
    let rows = rows_of(action, state.page).or_else(|| rows_beside_map(action, state.page))?;
    let channels: Vec<usize> = state.channels().collect();
    walk_list(state, &channels, rows);
    Some(Vec::new())
}

fn rest_cells(state: &State) -> Option<Vec<String>> {
    Some(vec!["rest".to_owned(), state.run()?.mixer.rest().to_string()])
}

/// Moves along the path of the fit by so many strengths, weaker penalties for positive steps.
pub(super) fn slide(state: &mut State, steps: isize) {
    let Some(path) = state.run().and_then(|run| run.path.as_ref()) else { return explain(state) };
    slide_to(state, path.at.saturating_add_signed(steps).min(path.fits.len() - 1));
}

/// Goes to a place on the path of the fit.
pub fn slide_to(state: &mut State, at: usize) {
    let Some(run) = state.run_mut() else { return };
    let Some(path) = &mut run.path else { return };
    path.at = at.min(path.fits.len().saturating_sub(1));
    let Some(mix) = path.current().map(|fit| fit.mix.clone()) else { return };
    run.mixer.slide(&mix);
    run.update_predictions();
}

/// Goes to the share `share` of the path.
pub fn drag_strength(state: &mut State, share: f64) {
    let last = state.run().and_then(|run| run.path.as_ref()).map(|path| path.fits.len().saturating_sub(1));
    if let Some(last) = last {
        slide_to(state, (share * last as f64).round() as usize);
        state.refresh();
    }
}

/// Drags the fader of a channel to the share `share` of its track.
pub fn drag(state: &mut State, channel: usize, share: f64) {
    let (low, high) = state.fit_controls.span;
    select_channel(state, channel);
    if let Some(run) = state.run_mut() {
        run.mixer.drag(channel, ((low + share * (high - low)) / GRAIN).round() * GRAIN);
        run.mixer.on &= !run.mixer.is_model();
        run.update_predictions();
    }
    state.refresh();
}

/// Lets go of what the mouse holds.
pub fn let_go(state: &mut State) {
    state.fit_controls.held = None;
    state.run_mut().into_iter().for_each(|run| run.mixer.let_go());
    state.refresh();
}

/// Why there is no path to slide on.
fn explain(state: &mut State) {
    let fit = state.key_of(Action::Fit);
    let fitted = state.run().and_then(|run| run.fit.as_ref().map(|fit| (run.id, fit.method)));
    let why = match fitted {
        Some((_, method @ (Method::CompRw | Method::CompRwReleased))) => {
            format!("{method} names its own λ: it has no path")
        }
        Some((run, _)) if matches!(state.fitting, Fitting::Running(id) | Fitting::Path(id) if id == run) => {
            "the path is being fitted".to_owned()
        }
        Some(_) => format!("the path of this fit was not computed: {fit} fits again"),
        None => format!("there is no fit yet: {fit} fits one, then λ slides"),
    };
    state.notify(Severity::Plain, why);
}

/// Asks for what the mix of the shown run is held against, once it is looked at.
pub(super) fn ask_for_baselines(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Mixer {
        return Vec::new();
    }
    let Some(run) = state.run_mut().filter(|run| run.is_complete() && run.baselines.is_none()) else {
        return Vec::new();
    };
    run.baselines = Some(BaselineScores::Pending);
    let request = BaselinesRequest { run: run.id, train: run.train.table.clone(), test: run.test.table.clone() };
    ask_again_later(state, request.run);
    vec![Effect::Baselines { generation: state.generations.replace(Work::Baselines), request }]
}

/// The scores of other runs that are being computed are asked for again when their mixer is looked at: a new request
/// cancels the one before.
fn ask_again_later(state: &mut State, asked: u64) {
    let cancelled = |run: &&mut OpenRun| run.id != asked && run.baselines == Some(BaselineScores::Pending);
    state.runs.iter_mut().filter(cancelled).for_each(|run| run.baselines = None);
}

/// The mix that is set, as a file: by the method that fitted it if its faders have not been touched since.
pub fn file_of(run: &OpenRun) -> WeightsFile {
    let mix = run.mixer.mix();
    let fits = run.path.iter().flat_map(|path| &path.fits).chain(&run.fit);
    let fitted = fits.into_iter().find(|fit| fit.mix == mix).map(|fit| (fit.method, fit.lambda));
    let loaded = run.loaded.as_ref().filter(|(file, _)| *file == mix).map(|(_, origin)| *origin);
    let origin = fitted.or(loaded).unwrap_or((Method::Manual, 0.0));
    WeightsFile::of(&mix, origin, (&run.model, &run.task, &run.prompt, run.request.as_ref()))
}

/// Puts the faders where a file has them, unless it belongs to something else.
pub(super) fn load(state: &mut State, id: u64, path: &str, file: &WeightsFile) {
    let Some(run) = state.run_by_id(id) else { return };
    match file.mix(&run.model, &run.task) {
        Ok(mix) => {
            run.mixer.load(&mix);
            run.loaded = Some((mix, (file.method, file.lambda)));
            run.update_predictions();
            let other = if file.demo_ids == run.prompt.demo_ids { "" } else { ", fitted with other demonstrations" };
            let text = format!("loaded {} ({}{other})", printable(path), file.method);
            state.notify(Severity::Good, text);
        }
        Err(error) => state.notify(Severity::Bad, printable(&error.to_string()).into_owned()),
    }
}

/// Fits the run that is shown, now or as soon as its training examples are there.
pub(super) fn fit(state: &mut State) -> Vec<Effect> {
    let Some(run) = state.run() else {
        state.notify(Severity::Plain, "there is no run to fit yet");
        return Vec::new();
    };
    let (id, table) = (run.id, run.train.table.clone());
    if table.capacity() == 0 {
        state.notify(Severity::Bad, "this run has no training examples to fit on");
        return Vec::new();
    }
    if table.is_complete() {
        return start_fit(state, id, table);
    }
    if state.phase.is_busy() {
        state.fitting = Fitting::Waiting(id);
        state.generations.drop_newest(Work::Fit);
        state.notify(Severity::Plain, "the fit begins as soon as the training examples are there");
    } else {
        let again = state.key_of(Action::Rerun);
        let why = "the run was stopped before its training examples were there";
        state.notify(Severity::Bad, format!("{why}; {again} runs it again"));
    }
    Vec::new()
}

/// Fits a run by the chosen method; events of fits before are dropped.
pub(super) fn start_fit(state: &mut State, run: u64, table: Arc<Attribution>) -> Vec<Effect> {
    state.fitting = Fitting::Running(run);
    let request = FitRequest { run, table, method: state.fit_controls.method };
    vec![Effect::Fit { generation: state.generations.replace(Work::Fit), request }]
}

/// Gives up the fit that waits for its training examples: the run that was to bring them has ended or was replaced.
pub(super) const fn drop_waiting_fit(state: &mut State) {
    if matches!(state.fitting, Fitting::Waiting(_)) {
        state.fitting = Fitting::Idle;
    }
}

/// Opens the line for the path of a weights file.
pub(super) fn ask_for_path(state: &mut State, action: Action) {
    if state.run().is_some() {
        let purpose = if action == Action::SaveMix { InputKind::SaveMix } else { InputKind::LoadMix };
        state.overlay = Some(Overlay::Line(LineInput { purpose, text: "mix.json".to_owned(), confirmed: false }));
    }
}

pub(super) fn toggle_mix(state: &mut State) {
    let (fit, mute) = (state.key_of(Action::Fit), state.key_of(Action::Mute));
    let Some(run) = state.run_mut() else { return };
    if run.mixer.is_model() {
        run.mixer.on = false;
        state.notify(Severity::Plain, format!("there is no mix yet: {fit} fits one, {mute} mutes a component"));
    } else {
        run.mixer.on = !run.mixer.on;
    }
}

/// Moves the faders that are marked, or the one under the cursor.
pub(super) fn turn(state: &mut State, action: Action) {
    let channels = state.targets();
    let Some(run) = state.run_mut().filter(|_| !channels.is_empty()) else { return };
    match action {
        Action::Mute => run.mixer.mute(&channels),
        Action::Solo => run.mixer.solo(&channels),
        Action::GainUp => run.mixer.move_by(&channels, 1.0),
        Action::GainDown => run.mixer.move_by(&channels, -1.0),
        Action::FlipSign => run.mixer.invert(&channels),
        _ => run.mixer.reset(&channels),
    }
    run.mixer.on &= !run.mixer.is_model();
    run.update_predictions();
}

pub(super) fn history(state: &mut State, action: Action) {
    let Some(run) = state.run_mut() else { return };
    let done = match action {
        Action::Undo => run.mixer.undo(),
        Action::Redo => run.mixer.redo(),
        _ => {
            run.mixer.reset_all();
            true
        }
    };
    run.mixer.on &= !run.mixer.is_model();
    run.update_predictions();
    if !done {
        let what = if action == Action::Undo { "take back" } else { "make again" };
        state.notify(Severity::Plain, format!("there is nothing to {what}"));
    }
}

/// Chooses the next method of fitting.
pub(super) fn next_method(state: &mut State) {
    state.fit_controls.method = fit::next_method(state.fit_controls.method);
    let (method, fit) = (state.fit_controls.method, state.key_of(Action::Fit));
    state.notify(Severity::Plain, format!("{fit} now fits by {method}: {}", method.about()));
}
