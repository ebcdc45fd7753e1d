//! Tests of late answers to replaced or cancelled requests.

use super::{Harness, fixture};
use crate::{
    analysis::Method,
    app::{
        Message,
        state::{Fitting, Phase, Screen, fit::BaselineScores},
    },
    jobs::{BaselinesEvent, ExperimentEvent, FileEvent, FitEvent, ModelEvent, StatsEvent, Tagged},
    run::SelectionMeta,
    runner::{Bos, Event, RunRequest},
};

/// Returns a harness on the mixer, the answers to a fit, and the answers to a fit by another method that replaced it.
fn two_fits() -> (Harness, Vec<Message>, Vec<Message>) {
    let mut harness = Harness::finished(48);
    let first = harness.keys("d").answers_to("w");
    let second = harness.answers_to("n w");
    assert_eq!((first.len(), second.len()), (2, 2), "each sends a fit and a path");
    (harness, first, second)
}

fn method(harness: &Harness) -> Option<Method> {
    harness.state.run().unwrap().fit.as_ref().map(|fit| fit.method)
}

#[test]
fn a_replaced_fit_is_dropped() {
    let (mut harness, first, second) = two_fits();
    let (fit, path) = (first[0].clone(), first[1].clone());
    harness.receive(fit);
    assert_eq!(method(&harness), None);
    assert!(matches!(harness.state.fitting, Fitting::Running(_)), "the new fit is still running");
    harness.receive(path);
    assert!(harness.state.run().unwrap().path.is_none());
    harness.receive_all(second);
    assert_eq!((method(&harness), harness.state.fitting), (Some(Method::RidgeCv), Fitting::Idle));
}

#[test]
fn the_path_of_a_replaced_fit_is_dropped() {
    let (mut harness, first, second) = two_fits();
    let [fit, path] = <[Message; 2]>::try_from(second).unwrap();
    harness.receive(fit);
    harness.receive(first[1].clone());
    assert!(harness.state.run().unwrap().path.is_none());
    harness.receive(path);
    let path = harness.state.run().unwrap().path.as_ref().unwrap();
    assert!(path.fits.iter().all(|fit| fit.method == Method::RidgeCv));
}

#[test]
fn the_failure_of_a_replaced_fit_is_dropped() {
    let (mut harness, first, _) = two_fits();
    let Message::Fit(Tagged { generation, .. }) = first[0] else { panic!("{first:?}") };
    harness.receive(Message::Fit(Tagged { generation, event: FitEvent::Failed("late".to_owned()) }));
    assert!(matches!(harness.state.fitting, Fitting::Running(_)));
}

#[test]
fn a_cancelled_path_is_not_reported_as_running() {
    let mut harness = Harness::finished(48);
    harness.keys("s").run_to_end(48);
    let first = harness.answers_to("w").remove(0);
    harness.receive(first);
    harness.keys("]");
    assert_eq!(harness.state.notice.as_ref().unwrap().text, "the path is being fitted");
    harness.keys("S w s ]");
    let notice = harness.state.notice.clone().unwrap().text;
    assert_eq!(notice, "the path of this fit was not computed: w fits again");
}

#[test]
fn statistics_of_a_replaced_request_are_dropped() {
    let mut harness = Harness::opened();
    let runs = [1, 2].map(|demo_seed| fixture::run(&RunRequest { demo_seed, ..fixture::request() }, 16));
    let effects = harness.state.open(runs.into());
    harness.holds_answers = true;
    harness.execute(effects);
    let first = harness.queue.pop_front().unwrap();
    harness.receive(first.clone());
    let known = |harness: &Harness| harness.state.runs.iter().map(|run| run.stats.is_some()).collect::<Vec<_>>();
    assert_eq!((known(&harness), harness.state.computing_stats), (vec![false, true], Some(harness.state.runs[0].id)));
    harness.receive(first);
    assert_eq!(known(&harness), [false, true]);
    let second = harness.queue.pop_front().unwrap();
    harness.receive(second);
    assert_eq!((known(&harness), harness.state.is_waiting()), (vec![true, true], false));
}

#[test]
fn failed_statistics_are_not_pending() {
    let mut harness = Harness::opened();
    harness.holds_answers = true;
    harness.run_to_end(16);
    let Some(Message::Stats(Tagged { generation, .. })) = harness.queue.pop_front() else { panic!("no statistics") };
    harness.receive(Message::Stats(Tagged { generation, event: StatsEvent::Failed("no thread".to_owned()) }));
    assert!(harness.state.computing_stats.is_none() && harness.queue.is_empty());
}

#[test]
fn cancelled_baselines_are_requested_again() {
    let mut harness = Harness::finished(48);
    harness.keys("s").run_to_end(48);
    let first = harness.answers_to("d");
    assert_eq!(harness.answers_to("S").len(), 1, "the baselines of the other run replace them");
    let scores = |harness: &Harness| harness.state.runs.iter().map(|run| run.baselines.clone()).collect::<Vec<_>>();
    assert_eq!(scores(&harness), [Some(BaselineScores::Pending), None]);
    harness.receive_all(first);
    assert_eq!(scores(&harness), [Some(BaselineScores::Pending), None], "a late answer is dropped");
    let again = harness.answers_to("s");
    assert_eq!(scores(&harness), [None, Some(BaselineScores::Pending)]);
    let Message::Baselines(Tagged { generation, .. }) = again[0] else { panic!("{again:?}") };
    harness.receive(Message::Baselines(Tagged { generation, event: BaselinesEvent::Failed("no thread".to_owned()) }));
    assert_eq!(scores(&harness)[1], Some(BaselineScores::Failed("no thread".to_owned())));
}

#[test]
fn the_result_of_a_replaced_experiment_is_dropped() {
    let mut harness = Harness::finished(40);
    let first = harness.keys("m").answers_to("A");
    let second = harness.answers_to(". A");
    let rerun = |harness: &Harness| harness.state.run().unwrap().results.rerun.as_ref().map(|rerun| rerun.ablation);
    harness.receive_all(first);
    assert!(rerun(&harness).is_none() && harness.state.experiments.is_busy());
    harness.receive_all(second);
    assert_eq!(rerun(&harness), Some(harness.state.experiments.ablation));
}

#[test]
fn a_failed_quick_experiment_is_not_repeated() {
    let mut harness = Harness::finished(40);
    let (first, second) = (harness.answers_to("P"), harness.answers_to("J"));
    let generation = |messages: &[Message]| match messages[..] {
        [Message::QuickExperiment(Tagged { generation, .. })] => generation,
        _ => panic!("{messages:?}"),
    };
    let failed = ExperimentEvent::Failed("no thread".to_owned());
    harness.receive(Message::QuickExperiment(Tagged { generation: generation(&first), event: failed.clone() }));
    assert!(harness.state.experiments.quick_failure.is_none() && harness.state.experiments.quick.is_some());
    harness.receive(Message::QuickExperiment(Tagged { generation: generation(&second), event: failed }));
    assert!(harness.state.experiments.quick_failure.is_some() && !harness.state.experiments.is_busy());
    assert!(harness.queue.is_empty());
}

/// Returns a harness whose first run has no examples yet, with a fit waiting for them.
fn waiting_fit() -> Harness {
    let mut harness = Harness::opened();
    harness.events(48)[..2].iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("w");
    assert!(matches!(harness.state.fitting, Fitting::Waiting(_)));
    harness
}

#[test]
fn a_waiting_fit_is_cancelled_when_its_run_ends() {
    assert_eq!(waiting_fit().keys("s").state.fitting, Fitting::Idle, "another run replaced it");
    assert_eq!(waiting_fit().keys("x").state.fitting, Fitting::Idle, "it was stopped");
    let mut harness = waiting_fit();
    harness.run_event(Event::Failed("no memory".to_owned()));
    assert_eq!(harness.state.fitting, Fitting::Idle, "it failed");
}

#[test]
fn a_run_left_for_an_open_one_goes_on() {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    let events = harness.events(48);
    harness.keys("S");
    for event in &events[..4] {
        harness.run_event(event.clone());
        assert_eq!(harness.state.run().unwrap().prompt.demo_seed, 0, "the shown run stays");
        assert!(harness.state.phase.is_busy());
    }
    assert_eq!((harness.state.runs.len(), harness.cancelled), (2, 0));
}

#[test]
fn late_progress_does_not_resume_a_stopped_run() {
    let mut harness = Harness::opened();
    let events = harness.events(48);
    events[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("x");
    events[4..7].iter().cloned().for_each(|event| harness.run_event(event));
    assert_eq!(harness.state.phase, Phase::Stopped);
    assert_eq!(harness.state.run().unwrap().test.tally.len(), 32, "late examples are kept");
}

#[test]
fn a_query_fails_if_the_model_cannot_be_loaded() {
    let mut harness = Harness::finished(16);
    harness.keys("p");
    let answers = harness.answers_to("l");
    let [Message::Model(Tagged { generation, .. })] = answers[..] else { panic!("{answers:?}") };
    let event = ModelEvent::Run(Event::Failed("no memory".to_owned()));
    harness.receive(Message::Model(Tagged { generation, event }));
    let editor = harness.state.editor.as_ref().unwrap();
    assert_eq!((editor.failure.as_deref(), editor.is_waiting()), (Some("no memory"), false));
    assert_eq!(harness.state.phase, Phase::Idle, "the run is unaffected");
}

#[test]
fn failed_file_requests_are_not_pending() {
    let mut harness = Harness::finished(16);
    harness.answers_to("p R");
    assert!(harness.state.is_waiting() && harness.state.screen == Screen::Runs);
    harness.file_event(FileEvent::Task("sentiment".to_owned(), Err("no thread".to_owned())));
    harness.file_event(FileEvent::Runs(Err("no thread".to_owned())));
    assert!(!harness.state.is_waiting());
    assert_eq!(harness.state.notice.as_ref().unwrap().text, "no thread");
}

#[test]
fn examples_that_were_left_out_are_said_when_the_run_is_planned() {
    let mut harness = Harness::opened();
    let planned = harness.events(16).into_iter().find(|event| matches!(event, Event::Planned(_)));
    let Some(Event::Planned(mut plan)) = planned else { panic!("no plan") };
    let leaked = vec![("q0".to_owned(), "d0".to_owned())];
    plan.selection = Some(SelectionMeta { leaked, ..SelectionMeta::default() });
    plan.prompt.bos = Some(Bos::Auto);
    plan.prompt.begin_with_bos = 3;
    harness.run_event(Event::Planned(plan));
    let notice = harness.state.notice.as_ref().unwrap().text.clone();
    assert!(notice.contains("1 test examples left out") && notice.contains("q0 (d0)"), "{notice}");
    assert!(notice.contains("3 prompts begin with the tokenizer's special tokens"), "{notice}");
}
