//! Handlers for messages from the workers.

use std::time::Duration;

use crate::{
    analysis::{Fit, reweight::has_path},
    app::{
        action::Action,
        effect::Effect,
        message::Message,
        state::{
            FitNote, Fitting, Overlay, Phase, Screen, Severity, State,
            fit::{BaselineScores, Path},
            generations::Work,
            input::{InputKind, LineInput},
            open_run::{Change, OpenRun},
        },
    },
    attribution::{F32_TOLERANCE, Split},
    jobs::{BaselinesEvent, FileEvent, FitEvent, ModelEvent, StatsEvent, StatsRequest, Tagged},
    progress::Progress,
    runner::{Event, Note, Plan},
    text::printable,
};

use super::{demo_editor, experiments, mixer, models, run_list, screen_data::request_missing};

/// Maximum number of open runs; older ones are closed.
const MAX_RUNS: usize = 12;

/// Handles a message. Events of a replaced request are dropped.
pub fn receive(state: &mut State, message: Message) -> Vec<Effect> {
    if is_outdated(state, &message) {
        return Vec::new();
    }
    match message {
        Message::Model(Tagged { generation, event }) => return on_model_event(state, generation, event),
        Message::Stats(Tagged { event, .. }) => return on_stats_event(state, event),
        Message::Experiment(Tagged { event, .. }) => experiments::on_experiment_event(state, event),
        Message::QuickExperiment(Tagged { event, .. }) => {
            return experiments::on_quick_experiment_event(state, event);
        }
        Message::Fit(Tagged { event, .. }) => on_fit_event(state, event),
        Message::Baselines(Tagged { event, .. }) => on_baselines_event(state, event),
        Message::Catalogue(Tagged { event, .. }) => models::on_event(state, event),
        Message::File(event) => return on_file_event(state, event),
    }
    Vec::new()
}

/// Whether the request of this message was replaced by a newer one. Queries are checked by serial number instead, and
/// file requests are never replaced.
fn is_outdated(state: &State, message: &Message) -> bool {
    let (work, generation) = match message {
        Message::Fit(event) => (Work::Fit, event.generation),
        Message::Stats(event) => (Work::Stats, event.generation),
        Message::Baselines(event) => (Work::Baselines, event.generation),
        Message::Catalogue(event) => (Work::Catalogue, event.generation),
        Message::Experiment(event) => (Work::Experiment, event.generation),
        Message::QuickExperiment(event) => (Work::QuickExperiment, event.generation),
        Message::Model(_) | Message::File(_) => return false,
    };
    !state.generations.is_newest(work, generation)
}

fn on_model_event(state: &mut State, generation: u64, event: ModelEvent) -> Vec<Effect> {
    match event {
        ModelEvent::Run(event) if state.generations.is_newest(Work::Run, generation) => {
            return on_run_event(state, event);
        }
        // A query outside a run fails like a run if the model cannot be loaded.
        ModelEvent::Run(Event::Failed(why)) => demo_editor::on_query_answer(state, generation, Err(why)),
        ModelEvent::Run(_) => {}
        ModelEvent::Answer(answer) => demo_editor::on_query_answer(state, answer.serial, Ok(*answer)),
        ModelEvent::NoAnswer(serial, why) => demo_editor::on_query_answer(state, serial, Err(why)),
    }
    Vec::new()
}

fn on_run_event(state: &mut State, event: Event) -> Vec<Effect> {
    let mut effects = match event {
        // Late events of a stopped run must not mark it as running again.
        Event::Loading(_) | Event::Building(_) | Event::Progress(_) if !state.phase.is_busy() => Vec::new(),
        Event::Loading(model) => set_phase(state, Phase::Loading(printable(&model).into_owned())),
        Event::Building(progress) => set_phase(state, Phase::Preparing(Some(progress))),
        Event::Planned(plan) => {
            let total = plan.train.len() + plan.test.len();
            state.phase = Phase::Running(Progress { done: 0, total, rate: 0.0, left: None });
            add_run(state, *plan)
        }
        Event::Batch(split, batch) => {
            if let Some(run) = filling(state) {
                run.push(split, &batch);
            }
            start_waiting_fit(state)
        }
        Event::Progress(progress) => set_phase(state, Phase::Running(progress)),
        Event::Finished(meta) => {
            notify_remarks(state, &meta.accuracy.remarks(meta.examples.test));
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
        mixer::drop_waiting_fit(state);
        demo_editor::ask_again(state);
        run_list::invalidate(state);
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

/// Adds a planned run in place of an earlier run of the same request, and shows it if the user waits for it. Beyond
/// [`MAX_RUNS`], the oldest run that is neither shown nor compared is closed.
fn add_run(state: &mut State, plan: Plan) -> Vec<Effect> {
    let Some(request) = state.running.request.clone() else { return Vec::new() };
    let replaced = state.running.replaced.take();
    state.notice.take_if(|notice| Some(&*notice) == replaced.as_ref());
    notify_remarks(state, &plan.remarks());
    let id = state.new_id();
    state.model_hash = Some(plan.model.weights_hash.clone());
    let hash = plan.model.weights_hash.clone();
    let is_again = |run: &OpenRun| run.request.as_ref() == Some(&request) && run.model.weights_hash == hash;
    let was_shown = state.run().is_some_and(is_again);
    let follows = state.running.is_followed || was_shown || state.run().is_none();
    let needed = [state.run().map(|run| run.id), state.other];
    let spare = |run: &&OpenRun| !needed.contains(&Some(run.id)) && !is_again(run);
    let surplus = (state.runs.iter().filter(|run| !is_again(run)).count() + 1).saturating_sub(MAX_RUNS);
    let closed: Vec<u64> = state.runs.iter().filter(spare).map(|run| run.id).take(surplus).collect();
    let other = state.other;
    state.close_runs(|run| !is_again(run) && !closed.contains(&run.id));
    let index = state.add_open_run(OpenRun::planned(id, request, plan));
    if follows {
        state.show(index);
    }
    if was_shown {
        state.other = other;
    }
    state.filling = Some(id);
    Vec::new()
}

/// Shows what a reader of the results must know, if there is anything.
fn notify_remarks(state: &mut State, remarks: &[String]) {
    if !remarks.is_empty() {
        state.notify(Severity::Plain, printable(&remarks.join("; ")).into_owned());
    }
}

/// Starts the waiting fit once its training examples are complete.
fn start_waiting_fit(state: &mut State) -> Vec<Effect> {
    let Fitting::Waiting(id) = state.fitting else { return Vec::new() };
    let table = state.run_by_id(id).map(|run| run.train.table.clone());
    match table {
        Some(table) if table.is_complete() => mixer::start_fit(state, id, table),
        _ => Vec::new(),
    }
}

fn finish(state: &mut State) -> Vec<Effect> {
    let elsewhere = state.is_busy_elsewhere();
    state.phase = Phase::Idle;
    let Some(run) = filling(state) else { return Vec::new() };
    let (exactness, name) = (run.exactness, run.short_name());
    let accuracy = run.test.tally.full_accuracy().unwrap_or_default() * 100.0;
    if !exactness.holds(F32_TOLERANCE) {
        let text = format!("{name}: the parts do not add up to the model's logits: do not trust this run");
        state.notify(Severity::Bad, text);
    } else if elsewhere {
        let runs = state.key_of(Action::Runs);
        state.notify(Severity::Good, format!("{name} is done: {accuracy:.1} %; {runs} lists it"));
    }
    next_stats(state)
}

/// Requests the statistics of the next complete run without them, the shown run first.
pub(super) fn next_stats(state: &mut State) -> Vec<Effect> {
    let without = |run: &&OpenRun| run.is_complete() && run.stats.is_none();
    let shown = state.run().filter(without);
    match shown.or_else(|| state.runs.iter().find(without)) {
        Some(run) if state.computing_stats.is_none() => {
            let request = StatsRequest { run: run.id, table: run.test.table.clone() };
            state.computing_stats = Some(request.run);
            vec![Effect::Stats { generation: state.generations.replace(Work::Stats), request }]
        }
        _ => Vec::new(),
    }
}

fn on_stats_event(state: &mut State, event: StatsEvent) -> Vec<Effect> {
    let stats = match event {
        StatsEvent::Done { stats, .. } => stats,
        StatsEvent::Failed(message) => {
            state.notify(Severity::Bad, format!("could not compute component statistics: {}", printable(&message)));
            Vec::new()
        }
    };
    let computed = state.computing_stats.take();
    if let Some(run) = computed.and_then(|id| state.run_by_id(id)) {
        run.stats = Some(stats);
    }
    state.refresh();
    next_stats(state)
}

fn on_fit_event(state: &mut State, event: FitEvent) {
    match event {
        FitEvent::Done { run, fit, took } => {
            state.fitting = if has_path(fit.method) { Fitting::Path(run) } else { Fitting::Idle };
            load_fit(state, run, *fit, took);
        }
        FitEvent::Path { run, fits } => {
            state.fitting = Fitting::Idle;
            if let Some(run) = state.run_by_id(run) {
                run.path = run.fit.as_ref().map(|found| Path::new(fits, &found.mix));
            }
        }
        FitEvent::Failed(message) => {
            state.fitting = Fitting::Idle;
            state.notify(Severity::Bad, format!("the fit failed: {}", printable(&message)));
        }
    }
    state.refresh();
}

fn load_fit(state: &mut State, id: u64, fit: Fit, took: Duration) {
    let Some(run) = state.run_by_id(id) else { return };
    run.mixer.load(&fit.mix, &format!("fit by {}", fit.method.title()));
    run.update_predictions();
    let train = run.train.table.len();
    let kind = if run.prompt.loo.is_some() { "leave-one-out " } else { "" };
    let (fixed, broken) = (run.changes(Change::Fixed), run.changes(Change::Broken));
    let outcome = match (run.test.tally.full_accuracy(), run.accuracy(Split::Test)) {
        (Some(model), Some(mix)) => {
            let (model, mix) = (model * 100.0, mix * 100.0);
            format!(": {model:.1} → {mix:.1} % on test, {fixed} fixed, {broken} broken")
        }
        _ => "; no test example is done yet".to_owned(),
    };
    run.path = None;
    let note = FitNote { run: id, method: fit.method, lambda: fit.lambda, train, took, kkt: fit.kkt };
    run.fit = Some(fit);
    state.fit_note = Some(note);
    state.notify(Severity::Good, format!("fitted on {train} {kind}examples{outcome}"));
}

fn on_baselines_event(state: &mut State, event: BaselinesEvent) {
    let scores = match event {
        BaselinesEvent::Done { outcomes, .. } => BaselineScores::Known(outcomes),
        BaselinesEvent::Failed(why) => BaselineScores::Failed(printable(&why).into_owned()),
    };
    if let Some(run) = state.runs.iter_mut().find(|run| run.baselines == Some(BaselineScores::Pending)) {
        run.baselines = Some(scores);
    }
}

fn on_file_event(state: &mut State, event: FileEvent) -> Vec<Effect> {
    match event {
        FileEvent::SavedMix(path, file) => {
            mixer::on_saved(state, &file);
            state.notify(Severity::Good, format!("saved the mix to {}", printable(&path.to_string_lossy())));
        }
        FileEvent::Exported(path) => {
            let path = printable(&path.to_string_lossy()).into_owned();
            state.notify(Severity::Good, format!("saved {path}.svg, {path}.png and {path}.csv"));
        }
        FileEvent::ExportExists(path) => {
            let text = printable(&path.to_string_lossy()).into_owned();
            state.overlay = Some(Overlay::Line(LineInput { kind: InputKind::Export, text, confirmed: true }));
        }
        FileEvent::Exists(path) => {
            let text = printable(&path.to_string_lossy()).into_owned();
            state.overlay = Some(Overlay::Line(LineInput { kind: InputKind::SaveMix, text, confirmed: true }));
        }
        FileEvent::Mix { run, path, file } => mixer::load(state, run, &path.to_string_lossy(), &file),
        FileEvent::Runs(stored) => run_list::on_stored_runs(state, stored),
        FileEvent::Opened(run) => {
            notify_remarks(state, &run.meta.remarks());
            let stats = state.open_checked(vec![*run]);
            state.running.is_followed = false;
            state.screen = Screen::Map;
            state.refresh();
            return stats;
        }
        FileEvent::Deleted => {
            run_list::invalidate(state);
            state.notify(Severity::Plain, "deleted the run");
        }
        FileEvent::Task(name, task) => return demo_editor::on_task(state, name, task),
        FileEvent::Failed(why) => state.notify(Severity::Bad, printable(&why).into_owned()),
    }
    state.refresh();
    request_missing(state)
}
