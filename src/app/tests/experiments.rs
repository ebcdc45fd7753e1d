//! Ablated re-runs, sweeps, attention and written words.

use super::{Bench, glance};
use crate::{
    app::{
        Message,
        state::{Screen, experiments::ExperimentStatus, metric::Metric},
    },
    jobs::{ExperimentEvent, Tagged},
};

#[test]
fn causes_are_asked_for_and_kept_with_the_run() {
    let mut bench = Bench::finished(40);
    bench.keys("A");
    assert!(bench.state.notice.as_ref().unwrap().text.contains("no mix to apply"));
    assert!(bench.state.run().unwrap().results.rerun.is_none());
    bench.keys("m A");
    let results = |bench: &Bench| bench.state.run().unwrap().results.clone();
    let first = results(&bench).rerun.unwrap();
    assert_eq!(first.ablation.describe(), "zero ablation at the last position");
    bench.keys(". z");
    assert_eq!(results(&bench).rerun.unwrap().ablation.describe(), "mean ablation at all positions");
    bench.keys("P");
    assert_eq!(results(&bench).look.unwrap().0, 0);
    assert!(results(&bench).shares.is_some() && bench.state.experiments.quick.is_none());
    assert_eq!(bench.state.map.metric, Metric::LabelAttention, "the map shows who reads labels");
    bench.keys("J W");
    assert_eq!(results(&bench).written.unwrap().1.component, bench.state.selected_name().unwrap());
    bench.keys("l");
    assert_eq!(results(&bench).written.unwrap().1.component, bench.state.selected_name().unwrap());
    bench.keys("Z");
    assert!(bench.state.notice.as_ref().unwrap().text.contains("about 13 s"));
    assert!(results(&bench).sweep.is_none());
    bench.keys("Z");
    assert_eq!(bench.state.screen, Screen::Map, "where the sweep is seen to come in");
    assert!(results(&bench).sweep.unwrap().is_complete());
    assert!(glance(&bench).contains("total effect"), "{}", glance(&bench));
    bench.keys("a a a a");
    assert!(glance(&bench).contains("accuracy model") || glance(&bench).contains("accuracy mix"), "{}", glance(&bench));
}

#[test]
fn a_study_can_be_stopped_and_echoes_are_dropped() {
    let mut bench = Bench::finished(40);
    bench.state.experiments.status = ExperimentStatus::Busy("ablate each", None);
    bench.keys("x");
    assert_eq!((bench.state.experiments.status, bench.cancelled), (ExperimentStatus::Idle, 1));
    let notice = |bench: &Bench| bench.state.notice.as_ref().unwrap().text.clone();
    assert_eq!(notice(&bench), "stopped");
    let echo = Tagged { generation: 99, event: ExperimentEvent::Failed("late".to_owned()) };
    bench.receive(Message::Experiment(echo));
    assert_eq!(notice(&bench), "stopped");
}

#[test]
fn a_quantity_that_another_run_does_not_have_is_not_shown_there() {
    let mut bench = Bench::finished(40);
    bench.keys("Z Z");
    assert_eq!(bench.state.map.metric, Metric::TotalEffect);
    bench.keys("s");
    bench.run_to_end(40);
    assert_eq!(bench.state.map.metric, Metric::Accuracy);
}

#[test]
fn why_a_re_run_failed_stays_in_sight() {
    let mut bench = Bench::finished(40);
    bench.keys("m A");
    let held = bench.held("A");
    let [Message::Experiment(Tagged { generation, .. })] = held[..] else { panic!("{held:?}") };
    let failed = ExperimentEvent::Failed("the model is gone".to_owned());
    bench.receive(Message::Experiment(Tagged { generation, event: failed }));
    assert_eq!(bench.state.experiments.failed.as_deref(), Some("the model is gone"));
    bench.keys("A");
    assert!(bench.state.experiments.failed.is_none());
}
