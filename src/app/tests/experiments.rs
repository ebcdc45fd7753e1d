//! Tests of ablation, sweeps, attention and the logit lens.

use super::{Harness, glance};
use crate::{
    app::{
        Message,
        state::{Screen, experiments::ExperimentStatus, metric::Metric},
    },
    jobs::{ExperimentEvent, Tagged},
};

#[test]
fn experiment_results_are_stored_with_the_run() {
    let mut harness = Harness::finished(40);
    harness.keys("A");
    assert!(harness.state.notice.as_ref().unwrap().text.contains("no mix to apply"));
    assert!(harness.state.run().unwrap().results.rerun.is_none());
    harness.keys("m A");
    let results = |harness: &Harness| harness.state.run().unwrap().results.clone();
    let first = results(&harness).rerun.unwrap();
    assert_eq!(first.ablation.describe(), "zero ablation at the last position");
    harness.keys(". z");
    assert_eq!(results(&harness).rerun.unwrap().ablation.describe(), "mean ablation at all positions");
    harness.keys("P");
    assert_eq!(results(&harness).attention.unwrap().0, 0);
    assert!(results(&harness).shares.is_some() && harness.state.experiments.quick.is_none());
    assert_eq!(harness.state.map.metric, Metric::LabelAttention, "the map shows attention to labels");
    harness.keys("J W");
    assert_eq!(results(&harness).logit_lens.unwrap().1.component, harness.state.selected_name().unwrap());
    harness.keys("l");
    assert_eq!(results(&harness).logit_lens.unwrap().1.component, harness.state.selected_name().unwrap());
    harness.keys("ctrl-l");
    assert_eq!(results(&harness).layer_scores.unwrap().own.len(), 2 * harness.state.run().unwrap().shape.layers);
    harness.keys("Z");
    assert!(harness.state.notice.as_ref().unwrap().text.contains("about 13 s"));
    assert!(results(&harness).sweep.is_none());
    harness.keys("Z");
    assert_eq!(harness.state.screen, Screen::Map, "the map shows the results of the sweep");
    assert!(results(&harness).sweep.unwrap().is_complete());
    assert!(glance(&harness).contains("total effect"), "{}", glance(&harness));
    harness.keys("a a a a");
    assert!(
        glance(&harness).contains("accuracy model") || glance(&harness).contains("accuracy mix"),
        "{}",
        glance(&harness)
    );
}

#[test]
fn a_cancelled_experiment_drops_late_events() {
    let mut harness = Harness::finished(40);
    harness.state.experiments.status = ExperimentStatus::Busy("ablate each", None);
    harness.keys("x");
    assert_eq!((harness.state.experiments.status, harness.cancelled), (ExperimentStatus::Idle, 1));
    let notice = |harness: &Harness| harness.state.notice.as_ref().unwrap().text.clone();
    assert_eq!(notice(&harness), "stopped");
    let late = Tagged { generation: 99, event: ExperimentEvent::Failed("late".to_owned()) };
    harness.receive(Message::Experiment(late));
    assert_eq!(notice(&harness), "stopped");
}

#[test]
fn the_map_falls_back_to_accuracy_for_an_unknown_quantity() {
    let mut harness = Harness::finished(40);
    harness.keys("Z Z");
    assert_eq!(harness.state.map.metric, Metric::TotalEffect);
    harness.keys("s");
    harness.run_to_end(40);
    assert_eq!(harness.state.map.metric, Metric::Accuracy);
}

#[test]
fn the_error_of_a_failed_rerun_stays_visible() {
    let mut harness = Harness::finished(40);
    harness.keys("m A");
    let answers = harness.answers_to("A");
    let [Message::Experiment(Tagged { generation, .. })] = answers[..] else { panic!("{answers:?}") };
    let failed = ExperimentEvent::Failed("the model is gone".to_owned());
    harness.receive(Message::Experiment(Tagged { generation, event: failed }));
    assert_eq!(harness.state.experiments.failure.as_deref(), Some("the model is gone"));
    harness.keys("A");
    assert!(harness.state.experiments.failure.is_none());
}
