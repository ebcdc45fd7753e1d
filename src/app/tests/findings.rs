//! Tests of what a new user found wrong: work that was lost, and messages about something else. The numbers are those of
//! the list of findings.

use crate::{
    app::{
        Action, Screen,
        state::{Phase, Severity, experiments::ExperimentStatus, metric::Metric},
        tests::{fixture, harness::Harness},
        update::{go_to, press},
    },
    attribution::Split,
    jobs::{FileEvent, FileRequest},
    progress::Progress,
    runner::{Event, Note},
};

fn seed(harness: &Harness) -> u64 {
    harness.state.run().unwrap().prompt.demo_seed
}

fn notice(harness: &Harness) -> &str {
    harness.state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

/// Starts the run of demos 1 beside the complete run of demos 0, and computes some of it.
fn two_runs() -> Harness {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness
}

/// 2, 3: looking at a finished run neither stops the one in progress nor shows its state as that of the finished one.
#[test]
fn looking_at_a_finished_run_stops_nothing() {
    let mut harness = two_runs();
    harness.keys("S");
    assert_eq!((seed(&harness), harness.cancelled), (0, 0));
    assert!(harness.state.phase.is_busy() && harness.state.is_busy_elsewhere());
    for event in &harness.events(48)[4..] {
        harness.run_event(event.clone());
    }
    assert_eq!((seed(&harness), &harness.state.phase), (0, &Phase::Idle));
    assert!(harness.state.runs.iter().all(super::super::state::open_run::OpenRun::is_complete));
    assert!(notice(&harness).contains("demos 1 is done"), "{}", notice(&harness));
    assert_eq!(seed(harness.keys("s")), 1, "it is open");
}

/// 4: a run from the queue is not shown by itself.
#[test]
fn a_queued_run_stays_in_its_place() {
    let mut harness = Harness::opened();
    harness.keys("Q");
    harness.run_to_end(48);
    harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
    assert_eq!((seed(&harness), harness.state.runs.len()), (0, 2));
    assert!(harness.state.phase.is_busy());
    harness.keys("R g enter");
    assert_eq!(seed(&harness), 1, "the row of the run in progress shows it");
}

/// 5: edited demonstrations and mixes are kept per run.
#[test]
fn edits_and_mixes_return_with_their_run() {
    let mut harness = Harness::finished(48);
    harness.keys("p l delete");
    let edited = harness.state.editor.as_ref().unwrap().demos.clone();
    harness.keys("s");
    harness.run_to_end(48);
    assert_ne!(harness.state.editor.as_ref().unwrap().demos, edited);
    harness.keys("S");
    assert_eq!(harness.state.editor.as_ref().unwrap().demos, edited);
    harness.keys("u");
    assert!(notice(&harness).starts_with("undone: removal of demonstration"), "{}", notice(&harness));
    let mut harness = Harness::opened();
    harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness.keys("w");
    let mix = harness.state.run().unwrap().mixer.mix();
    harness.keys("V s");
    harness.run_to_end(48);
    assert!(harness.state.run().unwrap().mixer.is_model() && harness.state.marks.is_empty());
    harness.keys("S");
    harness.run_to_end(48);
    assert_eq!(harness.state.run().unwrap().mixer.mix(), mix);
    assert_eq!(harness.state.marks.len(), 1);
    harness.keys("R D");
    harness.keys("esc");
    assert!(!harness.state.saved_edits().is_empty(), "closing a run keeps its mix");
}

/// 5: edits return in the next session.
#[test]
fn edits_return_in_the_next_session() {
    let mut harness = Harness::finished(48);
    harness.keys("l m f p l");
    let saved = serde_json::to_string(&harness.state.saved_edits()).unwrap();
    let mut next = Harness::opened();
    let edits: Vec<(String, crate::app::state::edits::SavedEdits)> = serde_json::from_str(&saved).unwrap();
    next.state.edits = edits.into_iter().map(|(name, edits)| (name, edits.into())).collect();
    next.run_to_end(48);
    assert_eq!(next.state.run().unwrap().mixer.mix(), harness.state.run().unwrap().mixer.mix());
    assert_eq!(next.state.example_list.filter, harness.state.example_list.filter);
    assert_eq!(next.keys("p").state.editor.as_ref().unwrap().demos, harness.state.editor.as_ref().unwrap().demos);
}

/// 5: edits do not pass to a run on other data whose task has the same name.
#[test]
fn edits_stay_with_the_data_they_were_made_on() {
    let mut harness = Harness::finished(48);
    harness.keys("l m");
    let saved = harness.state.saved_edits();
    let mut run = fixture::run(&fixture::request(), 48);
    run.meta.prompt.demos.reverse();
    let mut next = Harness::opened();
    next.state.edits = saved.into_iter().map(|(name, edits)| (name, edits.into())).collect();
    next.state.open(vec![run]);
    assert!(next.state.runs.last().unwrap().mixer.is_model());
    next.state.open(vec![fixture::run(&fixture::request(), 48)]);
    assert!(!next.state.runs.last().unwrap().mixer.is_model());
}

/// 5: quitting says once what is unfinished.
#[test]
fn quitting_with_an_unsaved_mix_or_a_sweep_asks_once() {
    let mut harness = Harness::finished(48);
    harness.keys("m q");
    assert!(harness.left.is_none() && notice(&harness).contains("in no file"), "{}", notice(&harness));
    harness.keys("l q");
    assert!(harness.left.is_none(), "another key withdraws the question");
    assert!(harness.keys("q").left.is_some());
    let mut harness = Harness::finished(48);
    harness.keys("m ctrl-s enter");
    let Some(FileRequest::SaveMix { path, file, .. }) = harness.file_requests.pop() else { panic!("no file request") };
    harness.file_event(FileEvent::SavedMix(path, file));
    assert!(harness.keys("q").left.is_some(), "a saved mix is not asked about");
    let mut harness = Harness::finished(48);
    harness.state.experiments.status = ExperimentStatus::Busy("ablate each", None);
    harness.keys("q");
    assert!(harness.left.is_none() && notice(&harness).contains("under way"));
    let mut harness = Harness::finished(48);
    harness.state.quitting.confirms = false;
    assert!(harness.keys("m q").left.is_some());
}

/// 7, 11: a key without an action here says where it has one.
#[test]
fn no_key_is_silent() {
    let mut harness = Harness::finished(48);
    for (keys, expected) in [
        ("e m", "m does nothing here; on map"),
        ("e l", "l does nothing here"),
        ("5", "5 has no action; ? lists all keys"),
        ("R J", "J does nothing here"),
    ] {
        harness.keys("esc").keys(keys);
        assert!(notice(&harness).starts_with(expected), "{keys}: {}", notice(&harness));
    }
    let effects = press(&mut harness.state, "x".parse().unwrap());
    assert!(effects.is_empty() && notice(&harness) == "nothing to stop");
}

/// 11: changes of the mix that are taken back or reset are named.
#[test]
fn undo_and_reset_say_what_they_did() {
    let mut harness = Harness::finished(48);
    for (keys, expected) in [
        ("m u", "undone: mute of L0.H0"),
        ("U", "redone: mute of L0.H0"),
        ("X", "all weights are 1 again; u undoes this"),
        ("X", "nothing to reset: all weights are 1"),
        ("- - u", "undone: weight of L0.H0 from 0.75 to 0.5"),
    ] {
        harness.keys(keys);
        assert_eq!(notice(&harness), expected, "{keys}");
    }
}

/// 8, 11: a fit that is undone says so, and the mix before it says where it came from.
#[test]
fn weights_say_where_they_came_from() {
    let mut harness = Harness::finished(48);
    harness.keys("w s");
    harness.run_to_end(48);
    harness.keys("c I w");
    assert_eq!(harness.state.run().unwrap().mixer.origin(), Some(("fit by partscope", false)));
    harness.keys("u");
    assert_eq!(notice(&harness), "undone: fit by partscope");
    let name = harness.state.other_run().unwrap().short_name();
    assert_eq!(harness.state.run().unwrap().mixer.origin(), Some((format!("mix of {name}").as_str(), false)));
    harness.keys("u");
    assert_eq!(notice(&harness), format!("undone: mix of {name}"));
}

/// 10: the attention view lends the map its quantity, and gives it back.
#[test]
fn the_attention_view_returns_the_quantity() {
    let mut harness = Harness::finished(48);
    harness.keys("a P");
    assert_eq!(harness.state.map.metric, Metric::LabelAttention);
    assert_eq!(harness.state.own_metric(), Metric::VersusModel);
    harness.keys("P");
    assert_eq!(harness.state.map.metric, Metric::VersusModel);
    harness.keys("P a esc");
    assert_eq!(harness.state.map.metric, Metric::Accuracy, "a chosen quantity stays");
}

/// 16: `Z` starts what it announced.
#[test]
fn a_sweep_starts_on_the_second_press() {
    let mut harness = Harness::finished(48);
    harness.keys("Z");
    assert!(notice(&harness).contains("Z again starts the sweep"), "{}", notice(&harness));
    harness.keys("Z");
    assert!(harness.state.run().unwrap().results.sweep.is_some());
}

/// 6: notices are kept, so that they can be read again, and never replace the progress.
#[test]
fn notices_can_be_read_again() {
    let mut harness = two_runs();
    harness.run_event(Event::Progress(Progress { done: 36, total: 68, rate: 50.0, left: None }));
    harness.state.notify(Severity::Plain, "112 of 892 examples kept from before");
    harness.keys("l");
    assert!(harness.state.notice.is_none());
    assert!(harness.state.notices.iter().any(|notice| notice.text.starts_with("112 of 892")));
    harness.run_event(Event::Note(Note::Kept));
    assert!(matches!(harness.state.phase, Phase::Running(_)));
}

/// 12: the run in progress is no other row, and an interrupted run is resumed on enter.
#[test]
fn the_run_in_progress_is_listed_once() {
    let mut harness = two_runs();
    let running = harness.state.filling_run().unwrap();
    let mut stored = fixture::stored();
    if let crate::jobs::StoredContent::Interrupted { task, template, prompt, request, .. } = &mut stored[1].content {
        task.clone_from(&running.task.name);
        template.clone_from(&running.task.template);
        **prompt = running.prompt.clone();
        *request = running.request.clone().map(Box::new);
    }
    harness.keys("R");
    let before = crate::app::state::selection::rows(&harness.state).len();
    harness.file_event(FileEvent::Runs(Ok(stored)));
    assert_eq!(crate::app::state::selection::rows(&harness.state).len(), before - 1);
}

/// 15: the tasks of a session are those it was started with.
#[test]
fn a_session_with_one_task_stays_there() {
    let mut harness = Harness::finished(48);
    harness.state.choices.truncate(1);
    harness.keys("t");
    assert_eq!((harness.requests.len(), seed(&harness)), (1, 0));
    assert!(notice(&harness).contains("one task"));
}

#[test]
fn shots_are_changed_by_key_and_by_name() {
    let mut harness = Harness::finished(48);
    harness.keys("}");
    assert_eq!(harness.requests.last().unwrap().shots, 6, "one more per label");
    harness.run_to_end(48);
    harness.keys(": 1 2 space s h o t s enter");
    assert_eq!(harness.requests.last().unwrap().shots, 12);
}

#[test]
fn the_palette_reaches_components_examples_and_runs() {
    let mut harness = Harness::finished(48);
    harness.keys("R : L 6 . H 2 enter");
    assert_eq!(harness.state.selected_name().unwrap().to_string(), "L6.H2");
    assert_eq!(harness.state.screen, Screen::Map);
    harness.keys("f : t e s t 7 enter");
    assert_eq!(harness.state.screen, Screen::Examples);
    assert_eq!(crate::app::state::selection::chosen_example(&harness.state), Some(7));
    harness.keys("esc O b i a s enter");
    assert_eq!(harness.state.map.metric, Metric::Bias);
    harness.keys("<");
    assert_eq!(harness.state.map.metric, Metric::VersusModel);
}

#[test]
fn compared_runs_are_chosen_swapped_and_share_mixes() {
    let mut harness = Harness::finished(48);
    for _ in 0..2 {
        harness.keys("s");
        harness.run_to_end(48);
    }
    harness.keys("w c");
    let pair = |harness: &Harness| (harness.state.other_run().unwrap().prompt.demo_seed, seed(harness));
    assert_eq!(pair(&harness), (1, 2));
    harness.keys("N d e m o s space 0 enter");
    assert_eq!(pair(&harness), (0, 2));
    harness.keys("|");
    assert_eq!(pair(&harness), (2, 0));
    harness.keys("I");
    let mix = harness.state.other_run().unwrap().mixer.mix();
    assert_eq!(harness.state.run().unwrap().mixer.mix(), mix);
    assert!(harness.state.run().unwrap().accuracy(Split::Test).is_some() && notice(&harness).contains("B has the mix"));
    harness.keys("u");
    assert!(harness.state.run().unwrap().mixer.is_model());
    harness.keys("v g");
    let ranks = harness.state.comparison.as_ref().unwrap().quantities.ranks.clone();
    assert_eq!(harness.state.selected(), Some(ranks[0]));
    assert_eq!(harness.keys("j").state.selected(), Some(ranks[1]));
    harness.keys("v b l");
    assert_eq!(harness.state.screen, Screen::Compare);
    let effects = go_to(&mut harness.state, Screen::Map);
    assert!(effects.is_empty() && harness.state.key_of(Action::Compare) == "c");
}
