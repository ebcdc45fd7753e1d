//! Switching to another task, template or set of demonstrations.
//!
//! Completed runs stay open, so that switching back is instant and runs can be compared.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Phase, Severity, State, TaskChoice, experiments::ExperimentStatus, generations::Work, open_run::OpenRun,
            selection::edited_request,
        },
    },
    runner::{Demos, RunRequest, Selection},
};

use super::{demo_editor, experiments, mixer};

/// Shows the run that `action` leads to, or requests it if it is not open.
pub(super) fn switch(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(current) = &state.requested else { return next_saved(state) };
    let edited = edited_request(state);
    match successor(edited.as_ref().unwrap_or(current), &state.choices, action) {
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
        Action::NextTask if choices.len() < 2 => Err("there is only one task"),
        Action::NextTask => {
            let next = &choices[at.map_or(0, |at| (at + 1) % choices.len())];
            let template = next.templates.first().cloned();
            // Ids name examples of the task that is left.
            let selection = current.selection.clone().map(|selection| Selection { ids: None, ..selection });
            let demos = drawn(&current.demos);
            Ok(RunRequest { task: next.name.clone(), template, demos, selection, ..current.clone() })
        }
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

/// Returns how demonstrations are drawn by seed; listed ones become balanced.
fn drawn(demos: &Demos) -> Demos {
    if *demos == Demos::Unbalanced { Demos::Unbalanced } else { Demos::Balanced }
}

/// Shows the run of a request if it is open and complete, else starts it.
fn show_or_start(state: &mut State, request: RunRequest) -> Vec<Effect> {
    let open = |run: &OpenRun| run.is_complete() && run.request.as_ref() == Some(&request);
    let Some(at) = state.runs.iter().position(open) else { return start(state, request) };
    let was_busy = state.phase.is_busy();
    state.show(at);
    state.requested = Some(request);
    state.phase = Phase::Idle;
    if !was_busy {
        return Vec::new();
    }
    state.generations.drop_newest(Work::Run);
    state.filling = None;
    mixer::drop_waiting_fit(state);
    demo_editor::ask_again(state);
    state.run_list.is_requested = false;
    vec![Effect::CancelRun]
}

/// Requests a run from the model worker.
pub(super) fn start(state: &mut State, request: RunRequest) -> Vec<Effect> {
    state.requested = Some(request.clone());
    state.phase = Phase::Preparing;
    state.filling = None;
    mixer::drop_waiting_fit(state);
    vec![Effect::Run { generation: state.generations.replace(Work::Run), request }]
}

/// Cancels the run or the long experiment.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() {
        state.phase = Phase::Stopped;
        mixer::drop_waiting_fit(state);
        let dropped = std::mem::take(&mut state.run_list.queue).len();
        if dropped > 0 {
            state.notify(Severity::Plain, format!("stopped; removed {dropped} from the queue"));
        }
        return vec![Effect::CancelRun];
    }
    if state.experiments.status != ExperimentStatus::Idle {
        return experiments::cancel(state);
    }
    state.notify(Severity::Plain, "nothing to stop");
    Vec::new()
}
