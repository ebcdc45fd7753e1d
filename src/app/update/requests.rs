//! Going to another task, template or demonstration set.
//!
//! What was computed is kept: going back is instant, and two runs can be compared by eye.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Phase, Severity, State, TaskChoice, experiments::ExperimentStatus, generations::Work, open_run::OpenRun,
            selection::edited_request,
        },
    },
    runner::{Demos, RunRequest},
};

use super::{demo_editor, experiments, mixer};

/// Asks for the run that `action` leads to, or shows it if it is at hand.
pub(super) fn switch(state: &mut State, action: Action) -> Vec<Effect> {
    let Some(wanted) = &state.requested else { return next_saved(state) };
    let edited = edited_request(state);
    match successor(edited.as_ref().unwrap_or(wanted), &state.choices, action) {
        Ok(next) if action != Action::Rerun || edited.is_some() => go(state, next),
        Ok(again) => start(state, again),
        Err(why) => {
            state.notify(Severity::Plain, why);
            Vec::new()
        }
    }
}

/// Without a model, the runs from disk are gone through.
fn next_saved(state: &mut State) -> Vec<Effect> {
    state.show((state.current + 1) % state.runs.len().max(1));
    if state.runs.len() < 2 {
        state.notify(Severity::Plain, "only this saved run is open; give partscope a model to run others");
    }
    Vec::new()
}

/// The request after `wanted` in the direction of `action`, or why there is none.
fn successor(wanted: &RunRequest, choices: &[TaskChoice], action: Action) -> Result<RunRequest, &'static str> {
    let at = choices.iter().position(|choice| choice.name == wanted.task);
    let here = at.map(|at| &choices[at]);
    match action {
        Action::NextTask if choices.len() < 2 => Err("there is no other task"),
        Action::NextTask => {
            let next = &choices[at.map_or(0, |at| (at + 1) % choices.len())];
            let template = next.templates.first().cloned();
            Ok(RunRequest { task: next.name.clone(), template, demos: drawn(&wanted.demos), ..wanted.clone() })
        }
        Action::NextTemplate => {
            let templates = here.map_or(&[][..], |choice| &choice.templates);
            if templates.len() < 2 {
                return Err("this task has no other template");
            }
            let at = templates.iter().position(|name| Some(name) == wanted.template.as_ref()).unwrap_or(0);
            Ok(RunRequest { template: Some(templates[(at + 1) % templates.len()].clone()), ..wanted.clone() })
        }
        Action::NextSeed => {
            let demo_seed = wanted.demo_seed + 1;
            Ok(RunRequest { demo_seed, demos: drawn(&wanted.demos), ..wanted.clone() })
        }
        Action::PreviousSeed if wanted.demo_seed == 0 => Err("this is the first demonstration set"),
        Action::PreviousSeed => {
            let demo_seed = wanted.demo_seed - 1;
            Ok(RunRequest { demo_seed, demos: drawn(&wanted.demos), ..wanted.clone() })
        }
        _ => Ok(wanted.clone()),
    }
}

/// Demonstrations that a seed draws: in place of listed ones, balanced ones.
fn drawn(demos: &Demos) -> Demos {
    if *demos == Demos::Unbalanced { Demos::Unbalanced } else { Demos::Balanced }
}

/// Shows the run if it is at hand, and asks for it if not.
fn go(state: &mut State, request: RunRequest) -> Vec<Effect> {
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

/// Asks the model's worker for a run.
pub(super) fn start(state: &mut State, request: RunRequest) -> Vec<Effect> {
    state.requested = Some(request.clone());
    state.phase = Phase::Preparing;
    state.filling = None;
    mixer::drop_waiting_fit(state);
    vec![Effect::Run { generation: state.generations.replace(Work::Run), request }]
}

/// Stops what is being computed.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() {
        state.phase = Phase::Stopped;
        mixer::drop_waiting_fit(state);
        let dropped = std::mem::take(&mut state.run_list.queue).len();
        if dropped > 0 {
            state.notify(Severity::Plain, format!("stopped; {dropped} queued left the queue too"));
        }
        return vec![Effect::CancelRun];
    }
    if state.experiments.status != ExperimentStatus::Idle {
        return experiments::cancel(state);
    }
    state.notify(Severity::Plain, "nothing is being computed");
    Vec::new()
}
