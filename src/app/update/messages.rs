//! What the workers say, and what it does to the state.

use std::time::Duration;

use crate::{
    analysis::{Fit, Method},
    app::{
        effect::Effect,
        state::{
            FitNote, Fitting, Overlay, Phase, Screen, Severity, State,
            fit::{BaselineScores, Path},
            input::{InputKind, LineInput},
            open_run::{Change, OpenRun},
        },
    },
    attribution::{F32_TOLERANCE, Split},
    jobs::{BaselinesEvent, FileEvent, FitEvent, StatsEvent, Tagged},
    runner::{Event, Note, Plan},
    text::printable,
};

use super::{demo_editor, mixer, run_list, screen_data::request_missing};

/// Runs kept at hand to go back to; older ones are forgotten.
const RUNS: usize = 12;

/// Takes in what the model's worker says. Echoes of runs that were replaced are dropped.
pub fn on_run_event(state: &mut State, told: Tagged<Event>) -> Vec<Effect> {
    if told.generation != state.generation {
        return Vec::new();
    }
    let mut effects = match told.event {
        Event::Loading(model) => set_phase(state, Phase::Loading(printable(&model).into_owned())),
        Event::Planned(plan) => begin(state, *plan),
        Event::Batch(split, batch) => {
            if let Some(run) = filling(state) {
                run.push(split, &batch);
            }
            start_waiting_fit(state)
        }
        Event::Progress(progress) => set_phase(state, Phase::Running(progress)),
        Event::Finished(meta) => {
            if let Some(run) = filling(state) {
                run.finish(*meta);
            }
            finish(state)
        }
        Event::Note(Note::Kept) => Vec::new(),
        Event::Note(note) => {
            state.notify(Severity::Plain, note.to_string());
            Vec::new()
        }
        Event::Cancelled => set_phase(state, Phase::Stopped),
        Event::Failed(message) => set_phase(state, Phase::Failed(printable(&message).into_owned())),
    };
    if !state.phase.is_busy() {
        demo_editor::ask_again(state);
        run_list::look_again(state);
        if state.phase == Phase::Idle {
            effects.extend(run_list::begin_next(state));
        }
    }
    state.refresh();
    effects.extend(request_missing(state));
    effects
}

fn set_phase(state: &mut State, phase: Phase) -> Vec<Effect> {
    state.phase = phase;
    Vec::new()
}

fn filling(state: &mut State) -> Option<&mut OpenRun> {
    state.filling.and_then(|id| state.run_by_id(id))
}

/// Lays out a new run; incomplete ones make room for it.
fn begin(state: &mut State, plan: Plan) -> Vec<Effect> {
    let Some(request) = state.wanted.clone() else { return Vec::new() };
    let id = state.new_id();
    let before = state.run().filter(|run| run.is_complete()).map(|run| run.id);
    state.runs.retain(|run| run.is_complete() && run.request.as_ref() != Some(&request));
    let surplus = (state.runs.len() + 1).saturating_sub(RUNS);
    state.runs.drain(..surplus);
    state.runs.push(OpenRun::planned(id, request, plan));
    state.current = state.runs.len() - 1;
    state.other = before.filter(|&id| state.runs.iter().any(|run| run.id == id)).or(state.other);
    state.filling = Some(id);
    Vec::new()
}

/// Begins the fit that was asked for before its examples were there.
fn start_waiting_fit(state: &mut State) -> Vec<Effect> {
    let Fitting::Waiting(id) = state.fitting else { return Vec::new() };
    let table = state.run_by_id(id).map(|run| run.train.table.clone());
    match table {
        Some(table) if table.is_complete() => {
            state.fitting = Fitting::Running(id);
            vec![Effect::Fit { run: id, table, method: state.fit_controls.method }]
        }
        _ => Vec::new(),
    }
}

fn finish(state: &mut State) -> Vec<Effect> {
    state.phase = Phase::Idle;
    let Some(run) = filling(state) else { return Vec::new() };
    let exactness = run.exactness;
    if !exactness.holds(F32_TOLERANCE) {
        state.notify(Severity::Bad, "the parts do not add up to the model's logits: do not trust this run");
    }
    next_stats(state)
}

/// Has the next complete run judged that was not yet, the one that is shown first.
pub(super) fn next_stats(state: &mut State) -> Vec<Effect> {
    let unjudged = |run: &&OpenRun| run.is_complete() && run.stats.is_none();
    let shown = state.run().filter(unjudged);
    match shown.or_else(|| state.runs.iter().find(unjudged)) {
        Some(run) if state.computing_stats.is_none() => {
            let effect = Effect::Stats { run: run.id, table: run.test.table.clone() };
            state.computing_stats = Some(run.id);
            vec![effect]
        }
        _ => Vec::new(),
    }
}

/// Takes in how components were judged.
pub fn on_stats_event(state: &mut State, told: StatsEvent) -> Vec<Effect> {
    let stats = match told {
        StatsEvent::Done { stats, .. } => stats,
        StatsEvent::Failed(message) => {
            state.notify(Severity::Bad, format!("the components could not be judged: {}", printable(&message)));
            Vec::new()
        }
    };
    let judged = state.computing_stats.take();
    if let Some(run) = judged.and_then(|id| state.run_by_id(id)) {
        run.stats = Some(stats);
    }
    state.refresh();
    next_stats(state)
}

/// Takes in what the fit says.
pub fn on_fit_event(state: &mut State, told: FitEvent) {
    match told {
        FitEvent::Done { run, fit, took } if state.fitting == Fitting::Running(run) => {
            let has_path = matches!(fit.method, Method::Partscope | Method::Convex);
            state.fitting = if has_path { Fitting::Path(run) } else { Fitting::Idle };
            load_fit(state, run, *fit, took);
        }
        FitEvent::Path { run, fits } if state.fitting == Fitting::Path(run) => {
            state.fitting = Fitting::Idle;
            if let Some(run) = state.run_by_id(run) {
                run.path = run.fit.as_ref().map(|found| Path::new(fits, &found.mix));
            }
        }
        FitEvent::Failed(message) => {
            state.fitting = Fitting::Idle;
            state.notify(Severity::Bad, format!("the fit failed: {}", printable(&message)));
        }
        FitEvent::Done { .. } | FitEvent::Path { .. } => {}
    }
    state.refresh();
}

fn load_fit(state: &mut State, id: u64, fit: Fit, took: Duration) {
    let Some(run) = state.run_by_id(id) else { return };
    run.mixer.load(&fit.mix);
    run.follow();
    let train = run.train.table.len();
    let (fixed, broken) = (run.changes(Change::Fixed), run.changes(Change::Broken));
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0));
    let (model, mix) = (share(run.test.tally.full_accuracy()), share(run.accuracy(Split::Test)));
    let flips = format!("{fixed} fixed, {broken} broken");
    run.path = None;
    let note = FitNote { run: id, method: fit.method, lambda: fit.lambda, train, took, kkt: fit.kkt };
    run.fit = Some(fit);
    state.fit_note = Some(note);
    state.notify(Severity::Good, format!("fitted on {train} examples: {model} → {mix} % on test, {flips}"));
}

/// Takes in how other methods did.
pub fn on_baselines_event(state: &mut State, told: BaselinesEvent) {
    let (id, baselines) = match told {
        BaselinesEvent::Done { run, outcomes } => (Some(run), BaselineScores::Known(outcomes)),
        BaselinesEvent::Failed { run, why } => (Some(run), BaselineScores::Refused(printable(&why).into_owned())),
        BaselinesEvent::Broken(why) => (None, BaselineScores::Refused(printable(&why).into_owned())),
    };
    let asked = |run: &&mut OpenRun| run.baselines == Some(BaselineScores::Asked) && id.is_none_or(|id| run.id == id);
    state.runs.iter_mut().filter(asked).for_each(|run| run.baselines = Some(baselines.clone()));
}

/// Takes in what came of an errand.
pub fn on_file_event(state: &mut State, report: FileEvent) -> Vec<Effect> {
    match report {
        FileEvent::SavedMix(path) => {
            state.notify(Severity::Good, format!("the mix is in {}", printable(&path.to_string_lossy())));
        }
        FileEvent::Exists(path) => {
            let text = printable(&path.to_string_lossy()).into_owned();
            state.overlay = Some(Overlay::Line(LineInput { purpose: InputKind::SaveMix, text, confirmed: true }));
        }
        FileEvent::Mix { run, path, file } => mixer::load(state, run, &path.to_string_lossy(), &file),
        FileEvent::Runs(stored) => state.run_list.stored = Some(stored),
        FileEvent::Opened(run) => {
            let judge = state.open(vec![*run]);
            state.show(state.runs.len() - 1);
            state.screen = Screen::Map;
            state.refresh();
            return judge;
        }
        FileEvent::Deleted => {
            run_list::look_again(state);
            state.notify(Severity::Plain, "deleted");
        }
        FileEvent::Task(name, task) => return demo_editor::on_task(state, name, task),
        FileEvent::Failed(why) => state.notify(Severity::Bad, printable(&why).into_owned()),
    }
    state.refresh();
    request_missing(state)
}
