//! Actions and events of experiments: ablation, attention and the logit lens. Results are stored with the run.

use std::time::Duration;

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Screen, Severity, State,
            experiments::{ExperimentStatus, ExperimentView},
            generations::Work,
            lent_quantity::LentQuantity,
            metric::Metric,
            selection::chosen_example,
        },
    },
    experiments::{Ablation, Fill, LogitLens, Positions},
    jobs::{Experiment, ExperimentEvent, ExperimentRequest, ExperimentResult},
    run::RunMeta,
    text::printable,
};

/// Handles the experiment actions, on any screen.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Attention => toggle_view(state, ExperimentView::Attention),
        Action::LogitLens => toggle_view(state, ExperimentView::LogitLens),
        Action::LensByLayer => toggle_view(state, ExperimentView::LensByLayer),
        Action::Positions => {
            state.experiments.ablation.positions = match state.experiments.ablation.positions {
                Positions::Last => Positions::All,
                Positions::All => Positions::Last,
            };
            return on_ablation_change(state);
        }
        Action::Fill => {
            state.experiments.ablation.fill = match state.experiments.ablation.fill {
                Fill::Zero => Fill::Mean,
                Fill::Mean | Fill::Paired => Fill::Zero,
            };
            return on_ablation_change(state);
        }
        Action::AblateEach => return ablate_each(state),
        _ => {
            state.screen = Screen::Experiments;
            state.experiments.view = ExperimentView::Effects;
            return rerun(state);
        }
    }
    Vec::new()
}

/// Opens a view, or returns to the map if it is open.
fn toggle_view(state: &mut State, view: ExperimentView) {
    let there = state.screen == Screen::Experiments && state.experiments.view == view;
    state.screen = if there { Screen::Map } else { Screen::Experiments };
    state.experiments.view = view;
    if state.run().is_none() {
        state.notify(Severity::Plain, "no run is open yet");
    }
}

/// In the attention view, colours the map by attention to labels, once known, until the view is left or another quantity
/// is chosen.
pub(super) fn lend_quantity(state: &mut State) {
    let in_view = state.screen == Screen::Experiments && state.experiments.view == ExperimentView::Attention;
    let known = state.run().is_some_and(|run| Metric::LabelAttention.is_known(run));
    match (state.lent_quantity, in_view) {
        (LentQuantity::None, true) if known => {
            state.lent_quantity = LentQuantity::Instead(state.map.metric);
            state.map.metric = Metric::LabelAttention;
        }
        (LentQuantity::Instead(before), false) => {
            state.lent_quantity = LentQuantity::None;
            state.map.metric = before;
        }
        (LentQuantity::Chosen, false) => state.lent_quantity = LentQuantity::None,
        _ => {}
    }
}

/// Repeats the rerun on the screen after the ablation settings changed, or shows a notice on other screens.
fn on_ablation_change(state: &mut State) -> Vec<Effect> {
    if state.screen == Screen::Experiments && state.experiments.view == ExperimentView::Effects {
        return rerun(state);
    }
    let how = state.experiments.ablation.describe();
    state.notify(Severity::Plain, format!("ablation: {how}"));
    Vec::new()
}

/// Creates a request about the shown run; shows a notice if the run is incomplete.
fn request(state: &mut State, experiment: Experiment) -> Option<ExperimentRequest> {
    let found = state.run().filter(|run| run.is_complete()).map(|run| ExperimentRequest {
        run: run.id,
        plan: run.plan.clone(),
        table: run.test.table.clone(),
        is_verified: run.plan.kept.is_none() || run.meta.as_ref().is_some_and(RunMeta::has_checksums),
        experiment,
    });
    if found.is_none() {
        state.notify(Severity::Plain, "this needs a complete run");
    }
    found
}

fn rerun(state: &mut State) -> Vec<Effect> {
    let ablation = state.experiments.ablation;
    let Some(run) = state.run() else { return Vec::new() };
    if run.mixer.is_model() {
        let (mute, fit) = (state.key_of(Action::Mute), state.key_of(Action::Fit));
        state.notify(Severity::Plain, format!("no mix to apply yet: {fit} fits one, {mute} mutes a component"));
        return Vec::new();
    }
    let mix = run.mixer.mix();
    start(state, Experiment::Rerun(mix, ablation), "re-run")
}

/// Estimates the cost of a sweep on the first press and starts the sweep on the second.
fn ablate_each(state: &mut State) -> Vec<Effect> {
    let ablation = state.experiments.ablation;
    let known = state.run().map(|run| run.id).zip(state.experiments.cost);
    if known.is_some_and(|(id, (run, how, _))| (run, how) == (id, ablation)) {
        state.experiments.cost = None;
        state.map.metric = Metric::TotalEffect;
        state.screen = Screen::Map;
        return start(state, Experiment::Sweep(ablation), "ablate each");
    }
    start(state, Experiment::Cost(ablation), "measuring")
}

fn start(state: &mut State, experiment: Experiment, name: &'static str) -> Vec<Effect> {
    if let ExperimentStatus::Busy(other, _) = state.experiments.status
        && other != name
    {
        let stop = state.key_of(Action::Cancel);
        state.notify(Severity::Plain, format!("{other} is still running; {stop} stops it"));
        return Vec::new();
    }
    let Some(request) = request(state, experiment) else { return Vec::new() };
    state.experiments.status = ExperimentStatus::Busy(name, None);
    state.experiments.failure = None;
    vec![Effect::Experiment { generation: state.generations.replace(Work::Experiment), request }]
}

/// Cancels the long experiment; partial results stay.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    state.experiments.status = ExperimentStatus::Idle;
    let partial = state.run().and_then(|run| run.results.sweep.as_deref()).filter(|sweep| !sweep.is_complete());
    let coverage = partial.map(|sweep| format!(": effects cover {} of {} examples", sweep.done(), sweep.examples));
    state.notify(Severity::Plain, format!("stopped{}", coverage.unwrap_or_default()));
    vec![Effect::CancelExperiment]
}

/// Requests the result that the screen needs, unless it is known, already requested or failed.
pub(super) fn request_missing_result(state: &mut State) -> Vec<Effect> {
    let Some(experiment) = missing(state) else { return Vec::new() };
    let Some(run) = state.run() else { return Vec::new() };
    let same = |id: u64, asked: &Experiment| (id, asked) == (run.id, &experiment);
    let asked = state.experiments.quick.as_ref().is_some_and(|(id, asked)| same(*id, asked));
    let failed = state.experiments.quick_failure.as_ref().is_some_and(|(id, asked, _)| same(*id, asked));
    if asked || failed {
        return Vec::new();
    }
    let id = run.id;
    let Some(request) = request(state, experiment.clone()) else { return Vec::new() };
    state.experiments.quick = Some((id, experiment));
    state.experiments.quick_progress = None;
    vec![Effect::QuickExperiment { generation: state.generations.replace(Work::QuickExperiment), request }]
}

/// Returns the experiment whose result the screen needs and does not have.
fn missing(state: &State) -> Option<Experiment> {
    if state.screen != Screen::Experiments {
        return None;
    }
    let (run, example) = (state.run().filter(|run| run.is_complete())?, chosen_example(state)?);
    let results = &run.results;
    match state.experiments.view {
        ExperimentView::Effects => None,
        ExperimentView::Attention if results.attention.as_ref().is_none_or(|attention| attention.0 != example) => {
            Some(Experiment::Attention(example))
        }
        ExperimentView::Attention => results.shares.is_none().then_some(Experiment::Shares),
        ExperimentView::LensByLayer => results.layer_scores.is_none().then_some(Experiment::LensByLayer),
        ExperimentView::LogitLens => {
            let component = state.selected_name()?;
            let known = |lens: &(usize, LogitLens)| lens.0 == example && lens.1.component == component;
            let is_known = results.logit_lens.as_deref().is_some_and(known);
            (!is_known).then_some(Experiment::LogitLens(example, component))
        }
    }
}

/// Handles an event of the long experiment.
pub(super) fn on_experiment_event(state: &mut State, event: ExperimentEvent) {
    match event {
        ExperimentEvent::Loading => {}
        ExperimentEvent::Progress(progress) => {
            if let ExperimentStatus::Busy(name, _) = state.experiments.status {
                state.experiments.status = ExperimentStatus::Busy(name, Some(progress));
            }
        }
        ExperimentEvent::Result { run, result } => on_result(state, run, *result),
        ExperimentEvent::Cancelled => state.experiments.status = ExperimentStatus::Idle,
        ExperimentEvent::Failed(why) => {
            state.experiments.status = ExperimentStatus::Idle;
            let why = printable(&why).into_owned();
            state.notify(Severity::Bad, why.clone());
            state.experiments.failure = Some(why);
        }
    }
    state.refresh();
}

/// Handles an event of the quick experiment.
pub(super) fn on_quick_experiment_event(state: &mut State, event: ExperimentEvent) -> Vec<Effect> {
    match event {
        ExperimentEvent::Loading => return Vec::new(),
        ExperimentEvent::Progress(progress) => {
            state.experiments.quick_progress = Some(progress);
            return Vec::new();
        }
        ExperimentEvent::Result { run, result } => {
            state.experiments.quick = None;
            on_result(state, run, *result);
        }
        ExperimentEvent::Cancelled => state.experiments.quick = None,
        ExperimentEvent::Failed(why) => {
            let why = printable(&why).into_owned();
            state.notify(Severity::Bad, why.clone());
            state.experiments.quick_failure =
                state.experiments.quick.take().map(|(run, experiment)| (run, experiment, why));
        }
    }
    state.refresh();
    request_missing_result(state)
}

fn on_result(state: &mut State, id: u64, result: ExperimentResult) {
    match &result {
        ExperimentResult::Cost(how, took) => {
            state.experiments.status = ExperimentStatus::Idle;
            state.experiments.cost = Some((id, *how, *took));
            notify_cost(state, *how, *took);
        }
        ExperimentResult::Rerun(_) => state.experiments.status = ExperimentStatus::Idle,
        ExperimentResult::Sweep(sweep) if sweep.is_complete() => {
            state.experiments.status = ExperimentStatus::Idle;
            let text = format!("{} components ablated ({})", sweep.effects.len(), sweep.ablation.short());
            state.notify(Severity::Good, text);
        }
        _ => {}
    }
    let Some(run) = state.run_by_id(id) else { return };
    match result {
        ExperimentResult::Rerun(rerun) => run.results.rerun = Some(rerun),
        ExperimentResult::Sweep(sweep) => run.results.sweep = Some(Box::new(sweep)),
        ExperimentResult::Attention(example, pattern) => run.results.attention = Some(Box::new((example, pattern))),
        ExperimentResult::Shares(shares) => {
            run.results.shares = Some(Box::new(shares));
            lend_quantity(state);
        }
        ExperimentResult::LogitLens(example, lens) => run.results.logit_lens = Some(Box::new((example, lens))),
        ExperimentResult::LensByLayer(scores) => run.results.layer_scores = Some(Box::new(scores)),
        ExperimentResult::Cost(..) => {}
    }
}

fn notify_cost(state: &mut State, how: Ablation, took: Duration) {
    let Some(run) = state.run() else { return };
    let (components, examples) = (run.shape.components(), run.test.items.len());
    let (key, seconds) = (state.key_of(Action::AblateEach), took.as_secs_f64());
    let cost = if seconds < 100.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) };
    let how = how.short();
    let text = format!("{key} again starts the sweep ({how}; {components} × {examples}): about {cost}");
    state.notify(Severity::Plain, text);
}
