//! Answers that come late: of requests that were replaced, and of work that was given up.

use super::{Bench, fixture};
use crate::{
    analysis::Method,
    app::{
        Message,
        state::{Fitting, Phase, Screen, fit::BaselineScores},
    },
    jobs::{BaselinesEvent, ExperimentEvent, FileEvent, FitEvent, ModelEvent, StatsEvent, Tagged},
    runner::{Event, RunRequest},
};

/// A bench on the mixer, the answers to a fit, and those to a fit by another method that replaced it.
fn two_fits() -> (Bench, Vec<Message>, Vec<Message>) {
    let mut bench = Bench::finished(48);
    let first = bench.keys("d").held("w");
    let second = bench.held("n w");
    assert_eq!((first.len(), second.len()), (2, 2), "each sends a fit and a path");
    (bench, first, second)
}

fn method(bench: &Bench) -> Option<Method> {
    bench.state.run().unwrap().fit.as_ref().map(|fit| fit.method)
}

#[test]
fn the_fit_of_an_earlier_request_is_not_taken_for_that_of_a_later_one() {
    let (mut bench, first, second) = two_fits();
    let (fit, path) = (first[0].clone(), first[1].clone());
    bench.receive(fit);
    assert_eq!(method(&bench), None);
    assert!(matches!(bench.state.fitting, Fitting::Running(_)), "the later one is still under way");
    bench.receive(path);
    assert!(bench.state.run().unwrap().path.is_none());
    bench.receive_all(second);
    assert_eq!((method(&bench), bench.state.fitting), (Some(Method::Convex), Fitting::Idle));
}

#[test]
fn the_path_of_an_earlier_fit_is_not_taken_for_that_of_a_later_one() {
    let (mut bench, first, second) = two_fits();
    let [fit, path] = <[Message; 2]>::try_from(second).unwrap();
    bench.receive(fit);
    bench.receive(first[1].clone());
    assert!(bench.state.run().unwrap().path.is_none());
    bench.receive(path);
    let path = bench.state.run().unwrap().path.as_ref().unwrap();
    assert!(path.fits.iter().all(|fit| fit.method == Method::Convex));
}

#[test]
fn a_fit_that_fails_late_does_not_end_the_one_that_replaced_it() {
    let (mut bench, first, _) = two_fits();
    let Message::Fit(Tagged { generation, .. }) = first[0] else { panic!("{first:?}") };
    bench.receive(Message::Fit(Tagged { generation, event: FitEvent::Failed("late".to_owned()) }));
    assert!(matches!(bench.state.fitting, Fitting::Running(_)));
}

#[test]
fn a_path_that_another_fit_cancelled_is_not_said_to_be_under_way() {
    let mut bench = Bench::finished(48);
    bench.keys("s").run_to_end(48);
    let first = bench.held("w").remove(0);
    bench.receive(first);
    bench.keys("]");
    assert_eq!(bench.state.notice.as_ref().unwrap().text, "the path is being fitted");
    bench.keys("S w s ]");
    let said = bench.state.notice.clone().unwrap().text;
    assert_eq!(said, "the path of this fit was not computed: w fits again");
}

#[test]
fn statistics_of_an_earlier_request_are_not_taken_for_those_of_a_later_one() {
    let mut bench = Bench::opened();
    let runs = [1, 2].map(|demo_seed| fixture::run(&RunRequest { demo_seed, ..fixture::request() }, 16));
    let effects = bench.state.open(runs.into());
    bench.holds = true;
    bench.execute(effects);
    let first = bench.queue.pop_front().unwrap();
    bench.receive(first.clone());
    let known = |bench: &Bench| bench.state.runs.iter().map(|run| run.stats.is_some()).collect::<Vec<_>>();
    assert_eq!((known(&bench), bench.state.computing_stats), (vec![true, false], Some(bench.state.runs[1].id)));
    bench.receive(first);
    assert_eq!(known(&bench), [true, false]);
    let second = bench.queue.pop_front().unwrap();
    bench.receive(second);
    assert_eq!((known(&bench), bench.state.is_waiting()), (vec![true, true], false));
}

#[test]
fn statistics_that_fail_are_not_awaited() {
    let mut bench = Bench::opened();
    bench.holds = true;
    bench.run_to_end(16);
    let Some(Message::Stats(Tagged { generation, .. })) = bench.queue.pop_front() else { panic!("no statistics") };
    bench.receive(Message::Stats(Tagged { generation, event: StatsEvent::Failed("no thread".to_owned()) }));
    assert!(bench.state.computing_stats.is_none() && bench.queue.is_empty());
}

#[test]
fn baselines_that_a_later_request_cancelled_are_asked_for_again() {
    let mut bench = Bench::finished(48);
    bench.keys("s").run_to_end(48);
    let first = bench.held("d");
    assert_eq!(bench.held("S").len(), 1, "those of the other run replace them");
    let scores = |bench: &Bench| bench.state.runs.iter().map(|run| run.baselines.clone()).collect::<Vec<_>>();
    assert_eq!(scores(&bench), [Some(BaselineScores::Asked), None]);
    bench.receive_all(first);
    assert_eq!(scores(&bench), [Some(BaselineScores::Asked), None], "a late answer is dropped");
    let again = bench.held("s");
    assert_eq!(scores(&bench), [None, Some(BaselineScores::Asked)]);
    let Message::Baselines(Tagged { generation, .. }) = again[0] else { panic!("{again:?}") };
    bench.receive(Message::Baselines(Tagged { generation, event: BaselinesEvent::Failed("no thread".to_owned()) }));
    assert_eq!(scores(&bench)[1], Some(BaselineScores::Refused("no thread".to_owned())));
}

#[test]
fn the_result_of_an_earlier_experiment_is_not_taken_for_that_of_a_later_one() {
    let mut bench = Bench::finished(40);
    let first = bench.keys("m").held("A");
    let second = bench.held(". A");
    let rerun = |bench: &Bench| bench.state.run().unwrap().results.rerun.as_ref().map(|rerun| rerun.ablation);
    bench.receive_all(first);
    assert!(rerun(&bench).is_none() && bench.state.experiments.is_busy());
    bench.receive_all(second);
    assert_eq!(rerun(&bench), Some(bench.state.experiments.ablation));
}

#[test]
fn a_quick_experiment_that_fails_is_not_asked_for_again() {
    let mut bench = Bench::finished(40);
    let (first, second) = (bench.held("P"), bench.held("J"));
    let generation = |messages: &[Message]| match messages[..] {
        [Message::QuickExperiment(Tagged { generation, .. })] => generation,
        _ => panic!("{messages:?}"),
    };
    let failed = ExperimentEvent::Failed("no thread".to_owned());
    bench.receive(Message::QuickExperiment(Tagged { generation: generation(&first), event: failed.clone() }));
    assert!(bench.state.experiments.refused.is_none() && bench.state.experiments.quick.is_some());
    bench.receive(Message::QuickExperiment(Tagged { generation: generation(&second), event: failed }));
    assert!(bench.state.experiments.refused.is_some() && !bench.state.experiments.is_busy());
    assert!(bench.queue.is_empty());
}

/// A bench whose first run is planned and has no examples yet, with a fit that waits for them.
fn waiting_fit() -> Bench {
    let mut bench = Bench::opened();
    bench.events(48)[..2].iter().cloned().for_each(|event| bench.hear(event));
    bench.keys("w");
    assert!(matches!(bench.state.fitting, Fitting::Waiting(_)));
    bench
}

#[test]
fn a_fit_does_not_wait_for_a_run_that_has_ended() {
    assert_eq!(waiting_fit().keys("s").state.fitting, Fitting::Idle, "another run replaced it");
    assert_eq!(waiting_fit().keys("x").state.fitting, Fitting::Idle, "it was stopped");
    let mut bench = waiting_fit();
    bench.hear(Event::Failed("no memory".to_owned()));
    assert_eq!(bench.state.fitting, Fitting::Idle, "it failed");
}

#[test]
fn a_run_that_was_left_for_one_at_hand_does_not_come_back() {
    let mut bench = Bench::finished(48);
    bench.keys("s");
    let events = bench.events(48);
    bench.keys("S");
    for event in [&events[0], &events[1], &events[4], &Event::Cancelled] {
        bench.hear(event.clone());
        assert_eq!((bench.state.runs.len(), &bench.state.phase), (1, &Phase::Idle));
    }
}

#[test]
fn progress_that_comes_late_does_not_start_a_stopped_run_again() {
    let mut bench = Bench::opened();
    let events = bench.events(48);
    events[..4].iter().cloned().for_each(|event| bench.hear(event));
    bench.keys("x");
    events[4..7].iter().cloned().for_each(|event| bench.hear(event));
    assert_eq!(bench.state.phase, Phase::Stopped);
    assert_eq!(bench.state.run().unwrap().test.tally.len(), 32, "examples that are there are kept");
}

#[test]
fn a_question_whose_model_cannot_be_loaded_is_not_awaited() {
    let mut bench = Bench::finished(16);
    bench.keys("p");
    let held = bench.held("l");
    let [Message::Model(Tagged { generation, .. })] = held[..] else { panic!("{held:?}") };
    let event = ModelEvent::Run(Event::Failed("no memory".to_owned()));
    bench.receive(Message::Model(Tagged { generation, event }));
    let editor = bench.state.editor.as_ref().unwrap();
    assert_eq!((editor.refused.as_deref(), editor.is_waiting()), (Some("no memory"), false));
    assert_eq!(bench.state.phase, Phase::Idle, "the run is not concerned");
}

#[test]
fn files_that_cannot_be_read_are_not_awaited() {
    let mut bench = Bench::finished(16);
    bench.held("p R");
    assert!(bench.state.is_waiting() && bench.state.screen == Screen::Runs);
    bench.hear_of_file(FileEvent::Task("sentiment".to_owned(), Err("no thread".to_owned())));
    bench.hear_of_file(FileEvent::Runs(Err("no thread".to_owned())));
    assert!(!bench.state.is_waiting());
    assert_eq!(bench.state.notice.as_ref().unwrap().text, "no thread");
}
