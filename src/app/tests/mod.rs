//! What keys do, as rows of keys and expectation.

mod answers;
mod demo_editor;
mod experiments;
mod fake_workers;
pub(crate) mod fixture;
mod generations;
pub(crate) mod harness;
mod input;
mod run_list;

use crate::{
    analysis::{Method, WeightsFile},
    app::{
        Leave, Message,
        state::{Fitting, Phase, fit::BaselineScores},
    },
    attribution::Split,
    jobs::{FileEvent, FileRequest, ModelEvent, Tagged},
    runner::Event,
};

use harness::Bench;

/// The state in one line: component, metric, what is heard and how good it is, the list, the notice.
fn glance(bench: &Bench) -> String {
    let state = &bench.state;
    let run = state.run().unwrap();
    let heard = if run.mixer.on { "mix" } else { "model" };
    let weight = run.mixer.weight(state.selected().unwrap());
    let list = format!("{}:{}", state.example_list.filter.title(), state.example_list.at);
    let name = state.selected_name().unwrap();
    format!("{name} ×{weight} {} {heard} {list}", state.map.metric.title())
}

#[test]
fn keys_do_what_they_say() {
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
        ("- i", "L0.H0 ×-0.75 accuracy mix all:0"),
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
        ("ctrl-a i g end", "L7.MLP ×-1 accuracy mix all:0"),
        ("L m u", "L0.H0 ×1 accuracy model all:0"),
        ("d l l", "L0.H0 ×1.5 accuracy mix all:0"),
        ("d g m", "L0.H0 ×1 accuracy mix all:0"),
        ("d d l", "L0.H1 ×1 accuracy model all:0"),
        ("c l", "L0.H1 ×1 accuracy model all:0"),
        ("v g", "L1.H4 ×1 accuracy model all:0"),
    ] {
        let mut bench = Bench::finished(48);
        bench.keys(keys);
        assert_eq!(glance(&bench), expected, "after `{keys}`");
        assert_eq!(bench.left, None, "after `{keys}`");
    }
}

#[test]
fn best_and_worst_go_where_the_map_is_brightest() {
    let mut bench = Bench::finished(48);
    for (key, better) in [("b", 1.0), ("B", -1.0)] {
        bench.keys(key);
        let selected = bench.state.selected().unwrap();
        let values: Vec<f64> = bench.state.map.values.iter().map(|value| value.unwrap() * better).collect();
        assert!(values.iter().all(|&value| value <= values[selected]));
    }
}

#[test]
fn a_fit_is_heard_at_once_and_space_flips_it() {
    let mut bench = Bench::finished(48);
    let model = bench.state.run().unwrap().accuracy(Split::Test).unwrap();
    bench.keys("w");
    let mix = bench.state.run().unwrap().accuracy(Split::Test).unwrap();
    assert!(mix > model + 0.1, "{model} → {mix}");
    assert!(bench.state.notice.as_ref().unwrap().text.contains("fitted on 20 examples"));
    bench.keys("f f");
    let flipped = bench.state.example_list.rows.len();
    assert!(flipped > 0);
    bench.keys("space");
    assert_eq!(bench.state.run().unwrap().accuracy(Split::Test), Some(model));
    bench.keys("space");
    assert_eq!(bench.state.run().unwrap().accuracy(Split::Test), Some(mix));
    assert_eq!(bench.state.example_list.rows.len(), flipped);
}

#[test]
fn a_fit_asked_for_early_waits_for_its_examples() {
    let mut bench = Bench::opened();
    let events = bench.events(48);
    let (before, after) = events.split_at(2);
    before.iter().cloned().for_each(|event| bench.hear(event));
    bench.keys("w");
    assert!(matches!(bench.state.fitting, Fitting::Waiting(_)));
    after.iter().take(1).cloned().for_each(|event| bench.hear(event));
    assert_eq!(bench.state.fitting, Fitting::Idle);
    assert!(bench.state.run().unwrap().mixer.on);
    after.iter().skip(1).cloned().for_each(|event| bench.hear(event));
    let run = bench.state.run().unwrap();
    assert!(run.accuracy(Split::Test) > run.test.tally.full_accuracy());
}

#[test]
fn switching_asks_for_a_run_once_and_comes_back_at_once() {
    let mut bench = Bench::finished(48);
    bench.keys("s");
    assert_eq!(bench.asked.last().unwrap().demo_seed, 1);
    bench.run_to_end(48);
    bench.keys("S");
    assert_eq!((bench.asked.len(), bench.state.run().unwrap().prompt.demo_seed), (2, 0));
    bench.keys("T");
    assert_eq!(bench.asked.last().unwrap().template.as_deref(), Some("arrow"));
    bench.keys("t");
    let asked = bench.asked.last().unwrap();
    assert_eq!((asked.task.as_str(), asked.template.as_deref()), ("topic", Some("article")));
    bench.keys("T");
    assert_eq!(bench.asked.len(), 4, "topic has one template");
    assert!(bench.state.notice.is_some());
}

#[test]
fn echoes_of_a_replaced_run_are_dropped() {
    let mut bench = Bench::opened();
    let events = bench.events(48);
    events[..4].iter().cloned().for_each(|event| bench.hear(event));
    let generation = bench.run_generation;
    bench.keys("s");
    let stale = Tagged { generation, event: ModelEvent::Run(events[4].clone()) };
    bench.receive(Message::Model(stale));
    assert_eq!(bench.state.phase, Phase::Preparing);
    bench.run_to_end(48);
    assert_eq!(bench.state.runs.len(), 1, "the incomplete run made room");
    assert_eq!(bench.state.run().unwrap().prompt.demo_seed, 1);
}

#[test]
fn a_run_can_be_stopped_and_what_is_there_stays() {
    let mut bench = Bench::opened();
    let events = bench.events(48);
    events[..4].iter().cloned().for_each(|event| bench.hear(event));
    bench.keys("x");
    bench.hear(Event::Cancelled);
    assert_eq!((bench.cancelled, &bench.state.phase), (1, &Phase::Stopped));
    assert_eq!(bench.state.run().unwrap().test.tally.len(), 16);
    bench.keys("r");
    assert_eq!(bench.asked.len(), 2);
}

#[test]
fn failures_are_shown_and_can_be_closed() {
    let mut bench = Bench::opened();
    bench.hear(Event::Failed("no\x1b[31m model".to_owned()));
    assert_eq!(bench.state.phase, Phase::Failed("no[31m model".to_owned()));
    bench.keys("esc");
    assert_eq!(bench.state.phase, Phase::Idle);
    bench.keys("l k w m space f J u x 1 b");
    assert!(bench.state.run().is_none(), "keys without a run do nothing");
}

#[test]
fn ranks_are_walked_from_best_to_worst() {
    let mut bench = Bench::finished(48);
    let value = |bench: &Bench| bench.state.map.values[bench.state.selected().unwrap()].unwrap();
    bench.keys("v b");
    let mut before = value(&bench);
    for _ in 0..71 {
        bench.keys("j");
        assert!(value(&bench) <= before);
        before = value(&bench);
    }
    let last = bench.state.selected();
    assert_eq!(bench.keys("j").state.selected(), last);
    assert_eq!(bench.keys("k j").state.selected(), last);
}

#[test]
fn the_run_before_is_what_is_compared_with() {
    let mut bench = Bench::finished(48);
    bench.keys("c");
    assert!(bench.state.comparison.is_none() && bench.state.notice.is_some());
    bench.keys("s");
    bench.run_to_end(48);
    let comparison = bench.state.comparison.clone().unwrap();
    assert_eq!((comparison.shared, comparison.change.len()), (48, 72));
    assert!(comparison.agreement.pearson.unwrap() > 0.5 && !comparison.flips.is_empty());
    let seeds = |bench: &Bench| {
        let seed = |run: Option<&super::state::open_run::OpenRun>| run.unwrap().prompt.demo_seed;
        (seed(bench.state.other_run()), seed(bench.state.run()))
    };
    assert_eq!(seeds(&bench), (0, 1));
    bench.keys("s");
    bench.run_to_end(48);
    assert_eq!(seeds(&bench), (1, 2));
    bench.keys("n");
    assert_eq!(seeds(&bench), (0, 2));
    bench.keys("J J K");
    assert_eq!(bench.state.flip, 1);
    bench.keys("S esc c");
    assert_eq!(seeds(&bench), (2, 1));
}

#[test]
fn an_opened_example_follows_what_is_heard() {
    let mut bench = Bench::finished(48);
    bench.keys("w e j j");
    let mix = bench.state.breakdown.clone().unwrap();
    bench.keys("space");
    let model = bench.state.breakdown.clone().unwrap();
    assert_eq!((mix.example, model.example), (2, 2));
    assert!((mix.margin - model.margin).abs() > 0.1);
    assert_eq!(bench.keys("esc").state.breakdown, None);
}

#[test]
fn what_is_selected_is_copied() {
    let mut bench = Bench::finished(48);
    assert_eq!(bench.keys("3 y").copied.as_deref(), Some("L0.H5\t0.5000\tlabel_biased\t1"));
    let row = bench.keys("e j y").copied.clone().unwrap();
    assert!(row.starts_with("test1\tpositive\t") && row.ends_with("the plot is dull and the jokes are flat"), "{row}");
}

#[test]
fn quitting_works_everywhere() {
    for (keys, leave) in [
        ("q", Leave::Asked),
        ("ctrl-c", Leave::Interrupted),
        ("? ctrl-c", Leave::Interrupted),
        (": q ctrl-c", Leave::Interrupted),
        ("e q", Leave::Asked),
    ] {
        for mut bench in [Bench::opened(), Bench::finished(16)] {
            assert_eq!(bench.keys(keys).left, Some(leave), "{keys}");
        }
    }
}

#[test]
fn a_kind_is_shown_alone() {
    let mut bench = Bench::finished(200);
    let all = bench.state.order.len();
    bench.keys("F");
    let kind = bench.state.kinds.unwrap();
    let run = bench.state.run().unwrap();
    assert!(bench.state.order.len() < all && bench.state.order.iter().all(|&c| run.kind(c) == Some(kind)));
    assert!(bench.state.shows(bench.state.selected().unwrap()), "the cursor goes where something is shown");
    let order = bench.state.order.clone();
    bench.keys("b");
    assert_eq!(bench.state.selected(), Some(order[0]));
    bench.keys("ctrl-a m");
    assert_eq!(bench.state.run().unwrap().mixer.silent(), order.len());
    bench.keys("esc esc");
    assert_eq!((bench.state.order.len(), bench.state.marks.len(), bench.state.kinds), (all, 0, None));
}

#[test]
fn the_penalty_slides_along_the_path_and_back_to_the_fit() {
    let mut bench = Bench::finished(48);
    bench.keys("]");
    assert!(bench.state.notice.as_ref().unwrap().text.contains("no fit yet"));
    bench.keys("w");
    let weights = |bench: &Bench| bench.state.run().unwrap().mixer.weights();
    let (fitted, chosen) = (weights(&bench), bench.state.run().unwrap().path.as_ref().unwrap().chosen);
    bench.keys("[ [");
    assert_ne!(weights(&bench), fitted);
    let run = bench.state.run().unwrap();
    assert_eq!(run.path.as_ref().unwrap().at, chosen - 2);
    assert_eq!(run.test.mixed.accuracy(), run.accuracy(Split::Test));
    bench.keys("] ]");
    assert_eq!(weights(&bench), fitted);
    bench.keys("[ [ [ u");
    assert_eq!(weights(&bench), fitted, "sliding is one change");
    bench.keys("d n n w ]");
    assert!(bench.state.notice.as_ref().unwrap().text.contains("comprw names its own λ"));
    assert_eq!(bench.state.run().unwrap().fit.as_ref().unwrap().method, Method::CompRw);
}

#[test]
fn baselines_are_scored_when_the_desk_is_opened() {
    let mut bench = Bench::finished(48);
    assert_eq!(bench.state.run().unwrap().baselines, None);
    bench.keys("d");
    let Some(BaselineScores::Known(outcomes)) = &bench.state.run().unwrap().baselines else { panic!("no scores") };
    assert_eq!(Some(outcomes[0].accuracy), bench.state.run().unwrap().test.tally.full_accuracy());
}

#[test]
fn a_mix_is_saved_and_loaded_where_it_belongs() {
    let mut bench = Bench::finished(48);
    bench.keys("w ctrl-s ctrl-u m y space m i x enter");
    let Some(FileRequest::SaveMix { path, file, .. }) = bench.file_requests.pop() else { panic!("no file request") };
    assert_eq!((path.to_str(), file.method), (Some("my mix"), Method::Partscope));
    let weights = bench.state.run().unwrap().mixer.weights();
    bench.keys("X ctrl-o enter");
    let Some(FileRequest::LoadMix { run, path }) = bench.file_requests.pop() else { panic!("no file request") };
    assert_eq!(path.to_str(), Some("mix.json"));
    bench.hear_of_file(FileEvent::Mix { run, path: path.clone(), file: file.clone() });
    assert_eq!(bench.state.run().unwrap().mixer.weights(), weights);
    bench.keys("ctrl-s enter");
    let Some(FileRequest::SaveMix { file: again, .. }) = bench.file_requests.pop() else { panic!("no file request") };
    assert_eq!(again, file, "what was loaded is saved as what it was");
    let other = WeightsFile { task: "another".to_owned(), ..*file };
    bench.hear_of_file(FileEvent::Mix { run, path, file: Box::new(other) });
    assert!(bench.state.notice.as_ref().unwrap().text.contains("for task another, not sentiment"));
    assert_eq!(bench.state.run().unwrap().mixer.weights(), weights, "what is refused changes nothing");
    bench.keys("m ctrl-s enter");
    let Some(FileRequest::SaveMix { file, .. }) = bench.file_requests.pop() else { panic!("no file request") };
    assert_eq!(file.method, Method::Manual);
}
