//! Switching to another task, template or set of demonstrations.
//!
//! Completed runs stay open, so that switching back is instant and runs can be compared.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Phase, Severity, State, TaskChoice,
            experiments::ExperimentStatus,
            generations::Work,
            open_run::{OpenRun, demos_name},
            palette_rows::short_task,
            selection::edited_request,
        },
    },
    runner::{Demos, RunRequest, Selection},
    text::printable,
};

use super::{experiments, mixer};

/// Shows the run that `action` leads to, or requests it if it is not open.
pub(super) fn switch(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(current) = &state.requested else { return next_saved(state) };
    let edited = edited_request(state);
    // Other demonstrations or another task replace the edits, which stay with their run.
    let carried = edited.as_ref().filter(|_| matches!(action, Action::Rerun | Action::NextTemplate));
    match successor(carried.unwrap_or(current), &state.choices, action) {
        Ok(next) if action != Action::Rerun || edited.is_some() => show_or_start(state, next),
        Ok(again) => start(state, again),
        Err(why) => {
            state.notify(Severity::Plain, why);
            Vec::new()
        }
    }
}

/// Shows the next saved run, when there is no model.
fn next_saved(state: &mut State) -> Vec<Effect> {
    state.show((state.current + 1) % state.runs.len().max(1));
    if state.runs.len() < 2 {
        state.notify(Severity::Plain, "only this saved run is open; start partscope with a model to run others");
    }
    Vec::new()
}

/// Returns the request that `action` leads to from `current`, or why there is none.
fn successor(current: &RunRequest, choices: &[TaskChoice], action: Action) -> Result<RunRequest, &'static str> {
    let at = choices.iter().position(|choice| choice.name == current.task);
    let here = at.map(|at| &choices[at]);
    match action {
        Action::NextTask if choices.len() < 2 => Err("this session has one task; `--task` may be given several times"),
        Action::NextTask => Ok(with_task(current, &choices[at.map_or(0, |at| (at + 1) % choices.len())])),
        Action::NextTemplate => {
            let templates = here.map_or(&[][..], |choice| &choice.templates);
            if templates.len() < 2 {
                return Err("this task has no other template");
            }
            let at = templates.iter().position(|name| Some(name) == current.template.as_ref()).unwrap_or(0);
            Ok(RunRequest { template: Some(templates[(at + 1) % templates.len()].clone()), ..current.clone() })
        }
        Action::NextSeed => {
            let demo_seed = current.demo_seed + 1;
            Ok(RunRequest { demo_seed, demos: drawn(&current.demos), ..current.clone() })
        }
        Action::PreviousSeed if current.demo_seed == 0 => Err("this is the first set of demonstrations"),
        Action::PreviousSeed => {
            let demo_seed = current.demo_seed - 1;
            Ok(RunRequest { demo_seed, demos: drawn(&current.demos), ..current.clone() })
        }
        _ => Ok(current.clone()),
    }
}

/// Returns the request for another task, with its first template.
fn with_task(current: &RunRequest, choice: &TaskChoice) -> RunRequest {
    let template = choice.templates.first().cloned();
    // Ids name examples of the task that is left.
    let selection = current.selection.clone().map(|selection| Selection { ids: None, ..selection });
    RunRequest { task: choice.name.clone(), template, demos: drawn(&current.demos), selection, ..current.clone() }
}

/// Switches to a task of the session.
pub(super) fn to_task(state: &mut State, name: &str) -> Vec<Effect> {
    let choice = state.choices.iter().find(|choice| choice.name == name);
    let request = state.requested.as_ref().zip(choice).map(|(current, choice)| with_task(current, choice));
    request.map_or_else(Vec::new, |request| show_or_start(state, request))
}

/// Switches to a template of the task.
pub(super) fn to_template(state: &mut State, name: String) -> Vec<Effect> {
    let request = state.requested.clone().map(|current| RunRequest { template: Some(name), ..current });
    request.map_or_else(Vec::new, |request| show_or_start(state, request))
}

/// Runs with another number of demonstrations, drawn by the same seed.
pub(super) fn to_shots(state: &mut State, shots: usize) -> Vec<Effect> {
    let Some(current) = state.requested.clone() else {
        state.notify(Severity::Plain, "no model to run");
        return Vec::new();
    };
    show_or_start(state, RunRequest { shots, demos: drawn(&current.demos), ..current })
}

/// Runs with one demonstration more per label, or one less.
pub(super) fn change_shots(state: &mut State, more: bool) -> Vec<Effect> {
    let step = state.run().map_or(1, |run| run.shape.labels);
    let shots = state.requested.as_ref().map_or(0, |request| request.shots);
    if !more && shots == 0 {
        state.notify(Severity::Plain, "the prompt has no demonstrations");
        return Vec::new();
    }
    to_shots(state, if more { shots + step } else { shots.saturating_sub(step) })
}

/// Returns how demonstrations are drawn by seed; listed ones become balanced.
fn drawn(demos: &Demos) -> Demos {
    if *demos == Demos::Unbalanced { Demos::Unbalanced } else { Demos::Balanced }
}

/// Shows the run of a request if it is open and complete, else starts it.
fn show_or_start(state: &mut State, request: RunRequest) -> Vec<Effect> {
    let open = |run: &OpenRun| run.is_complete() && run.request.as_ref() == Some(&request) && state.is_own(run);
    if let Some(at) = state.runs.iter().position(open) {
        state.running.is_followed = false;
        state.show(at);
        state.requested = Some(request);
        return Vec::new();
    }
    if state.phase.is_busy() && state.running.request.as_ref() == Some(&request) {
        follow(state);
        return Vec::new();
    }
    start(state, request)
}

/// Shows the run in progress, now or as soon as its prompts are built.
pub(super) fn follow(state: &mut State) {
    state.running.is_followed = true;
    state.requested.clone_from(&state.running.request);
    if let Some(at) = state.runs.iter().position(|run| Some(run.id) == state.filling) {
        state.show(at);
    }
}

/// Requests a run from the model worker and shows it. A run in progress is stopped and stays open; one from the queue
/// returns to the queue.
pub(super) fn start(state: &mut State, request: RunRequest) -> Vec<Effect> {
    let replaced = state.running.request.clone().filter(|running| state.phase.is_busy() && *running != request);
    state.running.replaced = None;
    if let Some(replaced) = replaced {
        let name = run_name(state);
        state.notice = None;
        if state.running.is_from_queue {
            state.run_list.queue.insert(0, replaced);
            state.notify(Severity::Plain, format!("{name} waits again in the queue"));
        } else if state.filling_run().is_some() {
            let rerun = state.key_of(Action::Rerun);
            state.notify(Severity::Plain, format!("stopped {name}; its examples are kept, {rerun} there resumes it"));
        }
        state.running.replaced.clone_from(&state.notice);
    }
    state.requested = Some(request.clone());
    state.running.is_followed = true;
    state.running.is_from_queue = false;
    begin(state, request)
}

/// Requests a run from the queue; it is not shown, unless no other run is.
pub(super) fn start_queued(state: &mut State, request: RunRequest) -> Vec<Effect> {
    state.running.is_followed = false;
    state.running.is_from_queue = true;
    begin(state, request)
}

fn begin(state: &mut State, request: RunRequest) -> Vec<Effect> {
    state.running.request = Some(request.clone());
    state.phase = Phase::Preparing(None);
    state.filling = None;
    mixer::drop_waiting_fit(state);
    vec![Effect::Run { generation: state.generations.replace(Work::Run), request }]
}

/// Returns a short name of the run in progress: `sst2 review demos 1`.
pub(super) fn run_name(state: &State) -> String {
    let of_request = |request: &RunRequest| {
        format!("{} {}", printable(short_task(&request.task)), demos_name(&request.demos, request.demo_seed))
    };
    let filling = state.runs.iter().find(|run| Some(run.id) == state.filling);
    filling.map_or_else(|| state.running.request.as_ref().map(of_request).unwrap_or_default(), OpenRun::short_name)
}

/// Cancels the run or the long experiment.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() {
        let name = run_name(state);
        state.phase = Phase::Stopped;
        mixer::drop_waiting_fit(state);
        let dropped = std::mem::take(&mut state.run_list.queue).len();
        let queue = if dropped > 0 { format!("; removed {dropped} from the queue") } else { String::new() };
        state.notify(Severity::Plain, format!("stopped {name}{queue}"));
        return vec![Effect::CancelRun];
    }
    if state.experiments.status != ExperimentStatus::Idle {
        return experiments::cancel(state);
    }
    state.notify(Severity::Plain, "nothing to stop");
    Vec::new()
}
