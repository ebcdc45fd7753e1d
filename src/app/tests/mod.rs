//! Tests of keys: what they do to the state.

mod demo_editor;
mod experiments;
mod fake_experiments;
mod fake_workers;
mod findings;
pub(crate) mod fixture;
mod generations;
pub(crate) mod harness;
mod input;
mod messages;
mod run_list;

use std::time::Duration;

use crate::{
    analysis::{Method, WeightsFile},
    app::{
        Action, Leave, Message, Screen,
        state::{Fitting, Phase, fit::BaselineScores},
        update::{go_to, update},
    },
    attribution::Split,
    jobs::{FileEvent, FileRequest, ModelEvent, Tagged},
    progress::Progress,
    runner::Event,
};

use harness::Harness;

/// Returns the state in one line: component, weight, metric, model or mix, and the example list.
fn glance(harness: &Harness) -> String {
    let state = &harness.state;
    let run = state.run().unwrap();
    let active = if run.mixer.on { "mix" } else { "model" };
    let weight = run.mixer.weight(state.selected().unwrap());
    let list = format!("{}:{}", state.example_list.filter.title(), state.example_list.at);
    let name = state.selected_name().unwrap();
    format!("{name} ×{weight} {} {active} {list}", state.map.metric.title())
}

/// `update` asserts that a reducer handles each action or that it edits a line.
#[test]
fn every_action_is_handled_on_every_screen() {
    let opened = Harness::finished(16).state;
    for &screen in Screen::ALL {
        for &action in Action::ALL {
            let mut state = opened.clone();
            go_to(&mut state, screen);
            update(&mut state, action);
        }
    }
}

#[test]
fn keys_change_the_state() {
    for (keys, expected) in [
        ("", "L0.H0 ×1 accuracy model all:0"),
        ("l l k", "L1.H2 ×1 accuracy model all:0"),
        ("left down up right", "L1.H1 ×1 accuracy model all:0"),
        ("end", "L0.MLP ×1 accuracy model all:0"),
        ("end l", "L0.MLP ×1 accuracy model all:0"),
        ("end home k h", "L1.H0 ×1 accuracy model all:0"),
        ("g", "L7.H0 ×1 accuracy model all:0"),
        ("g k G j", "L0.H0 ×1 accuracy model all:0"),
        ("3", "L0.H5 ×1 accuracy model all:0"),
        ("3 3", "L1.H1 ×1 accuracy model all:0"),
        ("a", "L0.H0 ×1 accuracy − model model all:0"),
        ("a a a a a", "L0.H0 ×1 accuracy model all:0"),
        ("m", "L0.H0 ×0 accuracy mix all:0"),
        ("m m", "L0.H0 ×1 accuracy model all:0"),
        ("m u", "L0.H0 ×1 accuracy model all:0"),
        ("m u U", "L0.H0 ×0 accuracy mix all:0"),
        ("l o h", "L0.H0 ×0 accuracy mix all:0"),
        ("l o h o", "L0.H0 ×1 accuracy mix all:0"),
        ("+ +", "L0.H0 ×1.5 accuracy mix all:0"),
        ("- ~", "L0.H0 ×-0.75 accuracy mix all:0"),
        ("- 0", "L0.H0 ×1 accuracy model all:0"),
        ("m l - X", "L0.H1 ×1 accuracy model all:0"),
        ("space", "L0.H0 ×1 accuracy model all:0"),
        ("m space", "L0.H0 ×0 accuracy model all:0"),
        ("m space space", "L0.H0 ×0 accuracy mix all:0"),
        ("J J K", "L0.H0 ×1 accuracy model all:1"),
        ("pagedown K", "L0.H0 ×1 accuracy model all:7"),
        ("f", "L0.H0 ×1 accuracy model wrong:0"),
        ("f f f", "L0.H0 ×1 accuracy model all:0"),
        ("? l", "L0.H0 ×1 accuracy model all:0"),
        ("? j j k esc l", "L0.H1 ×1 accuracy model all:0"),
        ("? q", "L0.H0 ×1 accuracy model all:0"),
        (": m u t e enter", "L0.H0 ×0 accuracy mix all:0"),
        (": s i l e n c e enter space", "L0.H0 ×0 accuracy model all:0"),
        (": f i r s t down enter", "L0.H0 ×1 accuracy model all:0"),
        (": m u t e backspace x enter", "L0.H0 ×1 accuracy model all:0"),
        (": m u t e esc", "L0.H0 ×1 accuracy model all:0"),
        ("e j j k", "L0.H0 ×1 accuracy model all:1"),
        ("enter j e l", "L0.H1 ×1 accuracy model all:1"),
        ("e esc l", "L0.H1 ×1 accuracy model all:0"),
        ("/ d u l l enter J J", "L0.H0 ×1 accuracy model all:2"),
        ("/ q q q esc pagedown", "L0.H0 ×1 accuracy model all:8"),
        ("L m", "L0.H0 ×0 accuracy mix all:0"),
        ("L m end", "L0.MLP ×0 accuracy mix all:0"),
        ("L m k", "L1.H0 ×1 accuracy mix all:0"),
        ("L L m l", "L0.H1 ×1 accuracy mix all:0"),
        ("l H h - g l", "L7.H1 ×0.75 accuracy mix all:0"),
        ("V l V l m h", "L0.H1 ×0 accuracy mix all:0"),
        ("V l V esc m h", "L0.H0 ×1 accuracy mix all:0"),
        ("L o k", "L1.H0 ×0 accuracy mix all:0"),
        ("ctrl-a ~ g end", "L7.MLP ×-1 accuracy mix all:0"),
        ("L m u", "L0.H0 ×1 accuracy model all:0"),
        ("d l l", "L0.H0 ×1.5 accuracy mix all:0"),
        ("d g m", "L0.H0 ×1 accuracy mix all:0"),
        ("d d l", "L0.H1 ×1 accuracy model all:0"),
        ("c l", "L0.H1 ×1 accuracy model all:0"),
        ("v g", "L1.H4 ×1 accuracy model all:0"),
    ] {
        let mut harness = Harness::finished(48);
        harness.keys(keys);
        assert_eq!(glance(&harness), expected, "after `{keys}`");
        assert_eq!(harness.left, None, "after `{keys}`");
    }
}

#[test]
fn best_and_worst_select_extreme_values() {
    let mut harness = Harness::finished(48);
    for (key, better) in [("b", 1.0), ("B", -1.0)] {
        harness.keys(key);
        let selected = harness.state.selected().unwrap();
        let values: Vec<f64> = harness.state.map.values.iter().map(|value| value.unwrap() * better).collect();
        assert!(values.iter().all(|&value| value <= values[selected]));
    }
}

#[test]
fn a_fit_applies_at_once_and_space_toggles_it() {
    let mut harness = Harness::finished(48);
    let model = harness.state.run().unwrap().accuracy(Split::Test).unwrap();
    harness.keys("w");
    let mix = harness.state.run().unwrap().accuracy(Split::Test).unwrap();
    assert!(mix > model + 0.1, "{model} → {mix}");
    assert!(harness.state.notice.as_ref().unwrap().text.contains("fitted on 20 examples"));
    harness.keys("f f");
    let flipped = harness.state.example_list.rows.len();
    assert!(flipped > 0);
    harness.keys("space");
    assert_eq!(harness.state.run().unwrap().accuracy(Split::Test), Some(model));
    harness.keys("space");
    assert_eq!(harness.state.run().unwrap().accuracy(Split::Test), Some(mix));
    assert_eq!(harness.state.example_list.rows.len(), flipped);
}

#[test]
fn an_early_fit_waits_for_its_examples() {
    let mut harness = Harness::opened();
    let events = harness.events(48);
    let (before, after) = events.split_at(2);
    before.iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("w");
    assert!(matches!(harness.state.fitting, Fitting::Waiting(_)));
    after.iter().take(1).cloned().for_each(|event| harness.run_event(event));
    assert_eq!(harness.state.fitting, Fitting::Idle);
    assert!(harness.state.run().unwrap().mixer.on);
    after.iter().skip(1).cloned().for_each(|event| harness.run_event(event));
    let run = harness.state.run().unwrap();
    assert!(run.accuracy(Split::Test) > run.test.tally.full_accuracy());
}

#[test]
fn switching_requests_a_run_once_and_back_is_instant() {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    assert_eq!(harness.requests.last().unwrap().demo_seed, 1);
    harness.run_to_end(48);
    harness.keys("S");
    assert_eq!((harness.requests.len(), harness.state.run().unwrap().prompt.demo_seed), (2, 0));
    harness.keys("T");
    assert_eq!(harness.requests.last().unwrap().template.as_deref(), Some("arrow"));
    harness.keys("t");
    let request = harness.requests.last().unwrap();
    assert_eq!((request.task.as_str(), request.template.as_deref()), ("topic", Some("article")));
    harness.keys("T");
    assert_eq!(harness.requests.len(), 4, "topic has one template");
    assert!(harness.state.notice.is_some());
}

#[test]
fn events_of_a_replaced_run_are_dropped() {
    let mut harness = Harness::opened();
    let events = harness.events(48);
    events[..4].iter().cloned().for_each(|event| harness.run_event(event));
    let generation = harness.run_generation;
    harness.keys("s");
    let stale = Tagged { generation, event: ModelEvent::Run(events[4].clone()) };
    harness.receive(Message::Model(stale));
    assert_eq!(harness.state.phase, Phase::Preparing(None));
    harness.run_to_end(48);
    assert_eq!(harness.state.runs.len(), 2, "the stopped run stays open");
    assert!(!harness.state.runs[0].is_complete() && harness.state.runs[0].test.tally.len() == 16);
    assert_eq!(harness.state.run().unwrap().prompt.demo_seed, 1);
}

#[test]
fn a_run_whose_prompts_are_built_has_no_rate_before_its_first_results() {
    let mut harness = Harness::opened();
    let built = Progress { done: 48, total: 48, rate: 3025.0, left: Some(Duration::ZERO) };
    harness.run_event(Event::Building(built));
    assert_eq!(harness.state.phase, Phase::Preparing(Some(built)));
    let planned = harness.events(48).into_iter().find(|event| matches!(event, Event::Planned(_))).unwrap();
    harness.run_event(planned);
    let Phase::Running(Progress { done: 0, total: 48.., rate, left: None }) = harness.state.phase else {
        panic!("{:?}", harness.state.phase)
    };
    assert!(rate == 0.0);
}

#[test]
fn a_stopped_run_keeps_its_examples() {
    let mut harness = Harness::opened();
    let events = harness.events(48);
    events[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("x");
    harness.run_event(Event::Cancelled);
    assert_eq!((harness.cancelled, &harness.state.phase), (1, &Phase::Stopped));
    assert_eq!(harness.state.run().unwrap().test.tally.len(), 16);
    harness.keys("r");
    assert_eq!(harness.requests.len(), 2);
}

#[test]
fn failures_are_shown_until_closed() {
    let mut harness = Harness::opened();
    harness.run_event(Event::Failed("no\x1b[31m model".to_owned()));
    assert_eq!(harness.state.phase, Phase::Failed("no[31m model".to_owned()));
    harness.keys("esc");
    assert_eq!(harness.state.phase, Phase::Idle);
    harness.keys("l k w m space f J u x 1 b");
    assert!(harness.state.run().is_none(), "keys without a run do nothing");
}

#[test]
fn the_ranking_goes_from_best_to_worst() {
    let mut harness = Harness::finished(48);
    let value = |harness: &Harness| harness.state.map.values[harness.state.selected().unwrap()].unwrap();
    harness.keys("v b");
    let mut before = value(&harness);
    for _ in 0..71 {
        harness.keys("j");
        assert!(value(&harness) <= before);
        before = value(&harness);
    }
    let last = harness.state.selected();
    assert_eq!(harness.keys("j").state.selected(), last);
    assert_eq!(harness.keys("k j").state.selected(), last);
}

#[test]
fn a_run_is_compared_with_the_previous_one() {
    let mut harness = Harness::finished(48);
    harness.keys("c");
    assert!(harness.state.comparison.is_none() && harness.state.notice.is_some());
    harness.keys("s");
    harness.run_to_end(48);
    let comparison = harness.state.comparison.clone().unwrap();
    assert_eq!((comparison.shared.len(), comparison.quantities.change.len()), (48, 72));
    assert!(comparison.agreement.pearson.unwrap() > 0.5 && !comparison.flips.is_empty());
    let seeds = |harness: &Harness| {
        let seed = |run: Option<&super::state::open_run::OpenRun>| run.unwrap().prompt.demo_seed;
        (seed(harness.state.other_run()), seed(harness.state.run()))
    };
    assert_eq!(seeds(&harness), (0, 1));
    harness.keys("s");
    harness.run_to_end(48);
    assert_eq!(seeds(&harness), (1, 2));
    harness.keys("n");
    assert_eq!(seeds(&harness), (0, 2));
    harness.keys("J J K");
    assert_eq!(harness.state.flip, 1);
    harness.keys("S esc c");
    assert_eq!(seeds(&harness), (2, 1));
}

#[test]
fn the_margin_breakdown_follows_model_and_mix() {
    let mut harness = Harness::finished(48);
    harness.keys("w e j j");
    let mix = harness.state.breakdown.clone().unwrap();
    harness.keys("space");
    let model = harness.state.breakdown.clone().unwrap();
    assert_eq!((mix.example, model.example), (2, 2));
    assert!((mix.margin - model.margin).abs() > 0.1);
    assert_eq!(harness.keys("esc").state.breakdown, None);
}

#[test]
fn the_selected_row_is_copied() {
    let mut harness = Harness::finished(48);
    assert_eq!(harness.keys("3 y").copied.as_deref(), Some("L0.H5\t0.5000\tlabel_biased\t1"));
    let row = harness.keys("e j y").copied.clone().unwrap();
    assert!(row.starts_with("test1\tpositive\t") && row.ends_with("the plot is dull and the jokes are flat"), "{row}");
}

#[test]
fn quit_works_everywhere() {
    for (keys, leave) in [
        ("q", Leave::Asked),
        ("ctrl-c", Leave::Interrupted),
        ("? ctrl-c", Leave::Interrupted),
        (": q ctrl-c", Leave::Interrupted),
        ("e q", Leave::Asked),
    ] {
        for mut harness in [Harness::opened(), Harness::finished(16)] {
            assert_eq!(harness.keys(keys).left, Some(leave), "{keys}");
        }
    }
}

#[test]
fn components_are_filtered_by_kind() {
    let mut harness = Harness::finished(200);
    let all = harness.state.order.len();
    harness.keys("F");
    let kind = harness.state.kinds.unwrap();
    let run = harness.state.run().unwrap();
    assert!(harness.state.order.len() < all && harness.state.order.iter().all(|&c| run.kind(c) == Some(kind)));
    assert!(harness.state.shows(harness.state.selected().unwrap()), "the cursor moves to a visible component");
    let order = harness.state.order.clone();
    harness.keys("b");
    assert_eq!(harness.state.selected(), Some(order[0]));
    harness.keys("ctrl-a m");
    assert_eq!(harness.state.run().unwrap().mixer.silent(), order.len());
    harness.keys("esc esc");
    assert_eq!((harness.state.order.len(), harness.state.marks.len(), harness.state.kinds), (all, 0, None));
}

#[test]
fn the_penalty_slides_along_the_path() {
    let mut harness = Harness::finished(48);
    harness.keys("]");
    assert!(harness.state.notice.as_ref().unwrap().text.contains("no fit yet"));
    harness.keys("w");
    let weights = |harness: &Harness| harness.state.run().unwrap().mixer.weights();
    let (fitted, chosen) = (weights(&harness), harness.state.run().unwrap().path.as_ref().unwrap().chosen);
    harness.keys("[ [");
    assert_ne!(weights(&harness), fitted);
    let run = harness.state.run().unwrap();
    assert_eq!(run.path.as_ref().unwrap().at, chosen - 2);
    assert_eq!(run.test.mixed.accuracy(), run.accuracy(Split::Test));
    harness.keys("] ]");
    assert_eq!(weights(&harness), fitted);
    harness.keys("[ [ [ u");
    assert_eq!(weights(&harness), fitted, "sliding is one undo step");
    harness.keys("d n n n w ]");
    assert!(harness.state.notice.as_ref().unwrap().text.contains("CompRW, printed takes no λ"));
    assert_eq!(harness.state.run().unwrap().fit.as_ref().unwrap().method, Method::CompRw);
}

#[test]
fn baselines_are_scored_when_the_mixer_opens() {
    let mut harness = Harness::finished(48);
    assert_eq!(harness.state.run().unwrap().baselines, None);
    harness.keys("d");
    let Some(BaselineScores::Known(outcomes)) = &harness.state.run().unwrap().baselines else { panic!("no scores") };
    assert_eq!(Some(outcomes[0].accuracy), harness.state.run().unwrap().test.tally.full_accuracy());
}

#[test]
fn a_mix_is_saved_and_loaded_only_for_its_task() {
    let mut harness = Harness::finished(48);
    harness.keys("w ctrl-s ctrl-u m y space m i x enter");
    let Some(FileRequest::SaveMix { path, file, .. }) = harness.file_requests.pop() else { panic!("no file request") };
    assert_eq!((path.to_str(), file.method), (Some("my mix"), Method::Partscope));
    let weights = harness.state.run().unwrap().mixer.weights();
    harness.keys("X ctrl-o enter");
    let Some(FileRequest::LoadMix { run, path }) = harness.file_requests.pop() else { panic!("no file request") };
    assert_eq!(path.to_str(), Some("mix.json"));
    harness.file_event(FileEvent::Mix { run, path: path.clone(), file: file.clone() });
    assert_eq!(harness.state.run().unwrap().mixer.weights(), weights);
    harness.keys("ctrl-s enter");
    let Some(FileRequest::SaveMix { file: again, .. }) = harness.file_requests.pop() else { panic!("no file request") };
    assert_eq!(again, file, "a loaded mix is saved with its origin");
    let other = WeightsFile { task: "another".to_owned(), ..*file };
    harness.file_event(FileEvent::Mix { run, path, file: Box::new(other) });
    assert!(harness.state.notice.as_ref().unwrap().text.contains("for task another, not sentiment"));
    assert_eq!(harness.state.run().unwrap().mixer.weights(), weights, "a rejected file changes nothing");
    harness.keys("m ctrl-s enter");
    let Some(FileRequest::SaveMix { file, .. }) = harness.file_requests.pop() else { panic!("no file request") };
    assert_eq!(file.method, Method::Manual);
}
