//! Actions on the mix: faders, fits, paths, baselines and weights files.

use std::sync::Arc;

use crate::{
    analysis::{Fit, Method, WeightsFile},
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
    text::{brief, printable},
};

use super::{
    copying,
    selection::{select_channel, walk_list},
};

/// Resolution of a dragged weight.
const GRAIN: f64 = 0.05;

/// Handles the actions of this screen: the cursor moves along the channels, with `rest` first.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    if action == Action::Copy && state.fit_controls.on_rest {
        return Some(copying::copy(state, rest_cells(state)));
    }
    let rows = rows_of(action, state.page).or_else(|| rows_beside_map(action, state.page))?;
    let channels: Vec<usize> = state.channels().collect();
    walk_list(state, &channels, rows);
    Some(Vec::new())
}

/// Returns the row to copy for `rest`: its name and weight.
fn rest_cells(state: &State) -> Option<Vec<String>> {
    Some(vec!["rest".to_owned(), state.run()?.mixer.rest().to_string()])
}

/// Moves along the path of the fit; positive steps weaken the penalty.
pub(super) fn slide(state: &mut State, steps: isize) {
    let Some(path) = state.run().and_then(|run| run.path.as_ref()) else { return explain_missing_path(state) };
    slide_to(state, path.at.saturating_add_signed(steps).min(path.fits.len() - 1));
}

/// Loads the fit at index `at` of the path.
pub fn slide_to(state: &mut State, at: usize) {
    let Some(run) = state.run_mut() else { return };
    let Some(path) = &mut run.path else { return };
    path.at = at.min(path.fits.len().saturating_sub(1));
    let Some((mix, what)) = path.current().map(|fit| (fit.mix.clone(), from_path(fit))) else { return };
    run.mixer.slide(&mix, &what);
    run.update_predictions();
}

/// Describes a fit of the path: `fit by partscope, λ 0.5`.
fn from_path(fit: &Fit) -> String {
    format!("fit by {}, λ {}", fit.method.title(), brief(fit.lambda))
}

/// Moves to a position on the path, from 0 to 1.
pub fn drag_strength(state: &mut State, share: f64) {
    let last = state.run().and_then(|run| run.path.as_ref()).map(|path| path.fits.len().saturating_sub(1));
    if let Some(last) = last {
        slide_to(state, (share * last as f64).round() as usize);
        state.refresh();
    }
}

/// Drags the fader of a channel to a position on its track, from 0 to 1.
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

/// Ends a drag with the mouse.
pub fn end_drag(state: &mut State) {
    state.fit_controls.dragged = None;
    state.run_mut().into_iter().for_each(|run| run.mixer.end_drag());
    state.refresh();
}

/// Shows why there is no path.
fn explain_missing_path(state: &mut State) {
    let fit = state.key_of(Action::Fit);
    let fitted = state.run().and_then(|run| run.fit.as_ref().map(|fit| (run.id, fit.method)));
    let why = match fitted {
        Some((_, method @ (Method::CompRw | Method::CompRwReleased))) => {
            format!("{} takes no λ: it has no path", method.title())
        }
        Some((run, _)) if matches!(state.fitting, Fitting::Running(id) | Fitting::Path(id) if id == run) => {
            "the path is being fitted".to_owned()
        }
        Some(_) => format!("the path of this fit was not computed: {fit} fits again"),
        None => format!("no fit yet: {fit} fits one"),
    };
    state.notify(Severity::Plain, why);
}

/// Requests the baseline scores of the shown run when the mixer is open.
pub(super) fn request_baselines(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Mixer {
        return Vec::new();
    }
    let Some(run) = state.run_mut().filter(|run| run.is_complete() && run.baselines.is_none()) else {
        return Vec::new();
    };
    run.baselines = Some(BaselineScores::Pending);
    let request = BaselinesRequest { run: run.id, train: run.train.table.clone(), test: run.test.table.clone() };
    forget_cancelled(state, request.run);
    vec![Effect::Baselines { generation: state.generations.replace(Work::Baselines), request }]
}

/// Marks pending scores of other runs as missing, since the new request for the run `requested` cancels them.
fn forget_cancelled(state: &mut State, requested: u64) {
    let cancelled = |run: &&mut OpenRun| run.id != requested && run.baselines == Some(BaselineScores::Pending);
    state.runs.iter_mut().filter(cancelled).for_each(|run| run.baselines = None);
}

/// Whether the run has a mix that is in no weights file.
pub(super) fn is_unsaved(run: &OpenRun) -> bool {
    let mix = run.mixer.mix();
    !run.mixer.is_model() && run.loaded.as_ref().is_none_or(|(file, _)| *file != mix)
}

/// Remembers that the mix in `file` was written, for the runs that have it.
pub(super) fn on_saved(state: &mut State, file: &WeightsFile) {
    for run in &mut state.runs {
        let written = file.mix(&run.model, &run.task).ok().filter(|mix| *mix == run.mixer.mix());
        if let Some(mix) = written {
            run.loaded = Some((mix, (file.method, file.lambda)));
        }
    }
}

/// Returns the current mix as a weights file. It names the method that produced the mix, or `manual` if it was edited.
pub fn file_of(run: &OpenRun) -> WeightsFile {
    let mix = run.mixer.mix();
    let fits = run.path.iter().flat_map(|path| &path.fits).chain(&run.fit);
    let fitted = fits.into_iter().find(|fit| fit.mix == mix).map(|fit| (fit.method, fit.lambda));
    let loaded = run.loaded.as_ref().filter(|(file, _)| *file == mix).map(|(_, origin)| *origin);
    let origin = fitted.or(loaded).unwrap_or((Method::Manual, 0.0));
    WeightsFile::from_mix(&mix, origin, (&run.model, &run.task, &run.prompt, run.request.as_ref()))
}

/// Loads a weights file, if it belongs to the model and task of the run.
pub(super) fn load(state: &mut State, id: u64, path: &str, file: &WeightsFile) {
    let Some(run) = state.run_by_id(id) else { return };
    match file.mix(&run.model, &run.task) {
        Ok(mix) => {
            run.mixer.load(&mix, &format!("mix from {}", printable(path)));
            run.loaded = Some((mix, (file.method, file.lambda)));
            run.update_predictions();
            let other = if file.demo_ids == run.prompt.demo_ids { "" } else { ", fitted with other demonstrations" };
            let text = format!("loaded {} ({}{other})", printable(path), file.method);
            state.notify(Severity::Good, text);
        }
        Err(error) => state.notify(Severity::Bad, printable(&error.to_string()).into_owned()),
    }
}

/// Fits the shown run, now or once its training examples are complete.
pub(super) fn fit(state: &mut State) -> Vec<Effect> {
    let Some(run) = state.run() else {
        state.notify(Severity::Plain, "no run to fit yet");
        return Vec::new();
    };
    let (id, table) = (run.id, run.train.table.clone());
    if table.capacity() == 0 {
        state.notify(Severity::Bad, "this run has no training examples");
        return Vec::new();
    }
    if table.is_complete() {
        return start_fit(state, id, table);
    }
    if state.filling_run().is_some_and(|run| run.id == id) {
        state.fitting = Fitting::Waiting(id);
        state.generations.drop_newest(Work::Fit);
        state.notify(Severity::Plain, "the fit starts once the training examples are done");
    } else {
        let again = state.key_of(Action::Rerun);
        let why = "the run stopped before its training examples were done";
        state.notify(Severity::Bad, format!("{why}; {again} runs it again"));
    }
    Vec::new()
}

/// Starts a fit by the chosen method; events of earlier fits are dropped.
pub(super) fn start_fit(state: &mut State, run: u64, table: Arc<Attribution>) -> Vec<Effect> {
    state.fitting = Fitting::Running(run);
    let request = FitRequest { run, table, method: state.fit_controls.method };
    vec![Effect::Fit { generation: state.generations.replace(Work::Fit), request }]
}

/// Cancels the waiting fit, since its run has ended or was replaced.
pub(super) const fn drop_waiting_fit(state: &mut State) {
    if matches!(state.fitting, Fitting::Waiting(_)) {
        state.fitting = Fitting::Idle;
    }
}

/// Opens the input line for the path of a weights file.
pub(super) fn ask_for_path(state: &mut State, action: Action) {
    if state.run().is_some() {
        let kind = if action == Action::SaveMix { InputKind::SaveMix } else { InputKind::LoadMix };
        state.overlay = Some(Overlay::Line(LineInput { kind, text: "mix.json".to_owned(), confirmed: false }));
    }
}

/// Switches between the model and the mix.
pub(super) fn toggle_mix(state: &mut State) {
    let (fit, mute) = (state.key_of(Action::Fit), state.key_of(Action::Mute));
    let Some(run) = state.run_mut() else { return };
    if run.mixer.is_model() {
        run.mixer.on = false;
        state.notify(Severity::Plain, format!("no mix yet: {fit} fits one, {mute} mutes a component"));
    } else {
        run.mixer.on = !run.mixer.on;
    }
}

/// Changes the marked channels, or the one under the cursor.
pub(super) fn change_channels(state: &mut State, action: Action) {
    let channels = state.targets();
    let shows_weights = state.screen != Screen::Experiments;
    let Some(run) = state.run_mut().filter(|_| !channels.is_empty()) else { return };
    let before = run.mixer.saved();
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
    let is_same = run.mixer.saved() == before;
    let text = match channels[..] {
        [one] if is_same => format!("the weight of {} is 1 already", run.channel_name(one)),
        [one] => format!("the weight of {} is {} now", run.channel_name(one), brief(run.mixer.weight(one))),
        _ if is_same => "the marked weights are 1 already".to_owned(),
        _ => format!("{} marked weights are changed", channels.len()),
    };
    if is_same || !shows_weights {
        state.notify(Severity::Plain, text);
    }
}

/// Undoes, redoes or resets all changes to the mix.
pub(super) fn change_history(state: &mut State, action: Action) {
    let undo = state.key_of(Action::Undo);
    let Some(run) = state.run_mut() else { return };
    let was_model = run.mixer.is_model();
    let (change, what) = match action {
        Action::Undo => (run.mixer.undo(), "undo"),
        Action::Redo => (run.mixer.redo(), "redo"),
        _ => {
            run.mixer.reset_all();
            (None, "reset")
        }
    };
    run.mixer.on &= !run.mixer.is_model();
    run.update_predictions();
    let text = match change {
        Some(change) => format!("{what}ne: {}", change.describe(|channel| run.channel_name(channel))),
        None if what == "reset" && !was_model => format!("all weights are 1 again; {undo} undoes this"),
        None if what == "reset" => "nothing to reset: all weights are 1".to_owned(),
        None => format!("nothing to {what}"),
    };
    state.notify(Severity::Plain, text);
}

/// Chooses the next fitting method.
pub(super) fn next_method(state: &mut State) {
    state.fit_controls.method = fit::next_method(state.fit_controls.method);
    let (method, fit) = (state.fit_controls.method, state.key_of(Action::Fit));
    let named = if method.title() == method.name() { String::new() } else { format!(" ({method})") };
    state.notify(Severity::Plain, format!("{fit} now fits by {}{named}: {}", method.title(), method.about()));
}
