//! Tests of what is said: messages belong to what is on the screen, and nothing changes without a word.

use crate::{
    app::{
        state::{metric::Metric, selection::rows},
        tests::{fixture, harness::Harness},
    },
    jobs::FileEvent,
    runner::RunRequest,
};

fn notice(harness: &Harness) -> &str {
    harness.state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

/// Runs `count` sets of demonstrations to their end.
fn runs(count: usize) -> Harness {
    let mut harness = Harness::finished(48);
    for _ in 1..count {
        harness.keys("s");
        harness.run_to_end(48);
    }
    harness
}

#[test]
fn a_message_about_a_replaced_run_leaves_the_screen_with_it() {
    let mut harness = Harness::opened();
    harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("t");
    assert!(notice(&harness).starts_with("stopped sentiment review demos 0"), "{}", notice(&harness));
    harness.events(48)[..2].iter().cloned().for_each(|event| harness.run_event(event));
    assert_eq!((harness.state.run().unwrap().task.name.as_str(), notice(&harness)), ("topic", ""));
    assert!(
        harness.state.notices.iter().any(|notice| notice.text.starts_with("stopped sentiment")),
        "it can be read again"
    );
}

#[test]
fn the_map_says_why_it_shows_another_quantity() {
    let mut harness = runs(3);
    harness.keys("a a");
    assert_eq!(harness.state.map.metric, Metric::VersusOthers);
    harness.keys("R g D");
    assert_eq!(harness.state.map.metric, Metric::Accuracy);
    let said = notice(&harness);
    assert!(said.starts_with("closed sentiment review demos 0"), "{said}");
    let why = "the map shows accuracy, not accuracy − other runs: fewer than two other runs of its task are open";
    assert!(said.ends_with(why), "{said}");
    harness.keys("esc l");
    assert_eq!(notice(&harness), "", "it is said once");
}

#[test]
fn a_run_is_listed_once_however_often_it_is_opened() {
    let mut harness = Harness::finished(48);
    let saved = fixture::run(&RunRequest { demo_seed: 7, ..fixture::request() }, 48);
    harness.file_event(FileEvent::Opened(Box::new(saved.clone())));
    harness.keys("m R");
    let before = rows(&harness.state).len();
    harness.keys("g enter");
    harness.file_event(FileEvent::Opened(Box::new(saved)));
    assert_eq!((rows(&harness.state).len(), harness.state.runs.len()), (before, 2));
    assert_eq!(harness.state.run().unwrap().prompt.demo_seed, 7);
    assert!(!harness.state.run().unwrap().mixer.is_model(), "its mix is still there");
    assert_eq!(notice(&harness), "sentiment review demos 7 is open already");
    let other = fixture::run(&RunRequest { demo_seed: 7, ..fixture::request() }, 40);
    harness.file_event(FileEvent::Opened(Box::new(other)));
    assert_eq!(harness.state.runs.len(), 3, "fewer examples are another run");
}

#[test]
fn a_run_of_another_task_is_not_compared() {
    let mut harness = Harness::finished(48);
    harness.keys("t");
    harness.run_to_end(48);
    assert!(harness.state.other.is_some() && harness.state.other_run().is_none());
    harness.keys("T");
    assert_eq!(harness.state.runs.len(), 2);
}
