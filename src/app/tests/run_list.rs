//! Tests of keys with several runs.

use crate::{
    app::{
        state::{Screen, metric::Metric, open_run::OpenRun, selection},
        tests::{fixture, harness::Harness},
    },
    jobs::{FileEvent, FileRequest},
    runner::{Event, RunRequest},
};

#[test]
fn the_matrix_compares_all_runs_and_opens_a_pair() {
    let mut harness = Harness::finished(48);
    harness.keys("M");
    assert_eq!(harness.state.matrix.runs.len(), 1);
    for _ in 0..2 {
        harness.keys("s");
        harness.run_to_end(48);
    }
    let matrix = &harness.state.matrix;
    assert_eq!((matrix.runs.len(), matrix.at), (3, (0, 2)));
    assert!((matrix.agreement[1][1].pearson.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(matrix.agreement[0][2], matrix.agreement[2][0]);
    harness.keys("j h h l enter");
    assert_eq!(harness.state.screen, Screen::Map, "the diagonal is a run");
    let (state, shown) = (&harness.state, harness.state.run().unwrap());
    assert_eq!(state.map.metric, Metric::VersusOthers, "against the mean of the others");
    let accuracy = |run: &OpenRun, component| run.test.tally.accuracy(component).unwrap();
    let others: Vec<&OpenRun> = state.runs.iter().filter(|run| run.id != shown.id).collect();
    for component in [0, 7, 71] {
        let mean = others.iter().map(|run| accuracy(run, component)).sum::<f64>() / 2.0;
        assert!((state.map.values[component].unwrap() - (accuracy(shown, component) - mean)).abs() < 1e-12);
    }
    harness.keys("M k enter");
    assert_eq!(harness.state.screen, Screen::Compare);
    let comparison = harness.state.comparison.as_ref().unwrap();
    assert_eq!((comparison.a, comparison.b), (harness.state.matrix.runs[0], harness.state.matrix.runs[1]));
    assert_eq!(comparison.agreement.pearson, harness.state.matrix.agreement[0][1].pearson);
}

#[test]
fn the_difference_from_the_mean_needs_two_others() {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    harness.run_to_end(48);
    assert!(!Metric::VersusOthers.is_known(harness.state.run().unwrap()), "one other run is a comparison");
    harness.keys("s");
    harness.run_to_end(48);
    assert!(Metric::VersusOthers.is_known(harness.state.run().unwrap()));
    harness.keys("R g D");
    assert!(!Metric::VersusOthers.is_known(harness.state.run().unwrap()), "a closed run no longer counts");
}

#[test]
fn a_run_is_opened_by_its_folder_and_shown() {
    let mut harness = Harness::finished(48);
    harness.keys("ctrl-f o u t enter");
    assert!(matches!(harness.file_requests.pop(), Some(FileRequest::OpenFolder(path)) if path.ends_with("out")));
    let run = fixture::run(&RunRequest { demo_seed: 7, ..fixture::request() }, 48);
    harness.file_event(FileEvent::Opened(Box::new(run)));
    let state = &harness.state;
    assert_eq!((state.run().unwrap().prompt.demo_seed, state.other), (7, Some(state.runs[0].id)));
    harness.keys("ctrl-f enter");
    assert!(harness.file_requests.is_empty(), "an empty path opens nothing");
}

#[test]
fn of_several_saved_runs_the_first_is_a_and_the_last_is_b() {
    let mut harness = Harness::opened();
    let saved = |seed| fixture::run(&RunRequest { demo_seed: seed, ..fixture::request() }, 48);
    let effects = harness.state.open(vec![saved(3), saved(4)]);
    harness.execute(effects);
    harness.keys("c");
    let seed = |run: Option<&OpenRun>| run.unwrap().prompt.demo_seed;
    assert_eq!((seed(harness.state.other_run()), seed(harness.state.run())), (3, 4));
}

#[test]
fn queued_runs_start_one_after_the_other() {
    let mut harness = Harness::opened();
    harness.keys("Q Q Q");
    let seeds =
        |harness: &Harness| harness.state.run_list.queue.iter().map(|request| request.demo_seed).collect::<Vec<_>>();
    assert_eq!((seeds(&harness), harness.requests.len()), (vec![1, 2, 3], 1));
    harness.run_to_end(16);
    assert_eq!((seeds(&harness), harness.requests.len(), harness.requests[1].demo_seed), (vec![2, 3], 2, 1));
    harness.run_to_end(16);
    harness.keys("R j delete");
    assert_eq!(seeds(&harness), [0_u64; 0], "the queued run is removed");
    harness.run_to_end(16);
    assert_eq!((harness.requests.len(), harness.state.runs.len()), (3, 3));
    harness.keys("Q Q");
    harness.run_event(Event::Failed("no".to_owned()));
    assert_eq!((harness.requests.len(), seeds(&harness)), (4, vec![4]), "the queue waits until the failure is closed");
    harness.keys("esc");
    assert_eq!((harness.requests.len(), harness.requests[4].demo_seed), (5, 4));
    harness.keys("Q x");
    assert_eq!(
        (harness.requests.last().unwrap().demo_seed, seeds(&harness).len()),
        (4, 0),
        "stopping empties the queue"
    );
}

#[test]
fn runs_are_opened_compared_and_deleted() {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    harness.run_to_end(48);
    harness.keys("R");
    assert_eq!(selection::rows(&harness.state).len(), 5, "two open, three stored");
    harness.keys("c");
    assert_eq!((harness.state.screen, harness.state.other), (Screen::Compare, Some(harness.state.runs[0].id)));
    harness.keys("R enter");
    assert_eq!((harness.state.screen, harness.state.current), (Screen::Map, 0));
    harness.keys("R j j enter");
    assert!(matches!(harness.file_requests.pop(), Some(FileRequest::OpenRun(key)) if key == "0".repeat(32)));
    let run = fixture::run(&RunRequest { demo_seed: 7, ..fixture::request() }, 200);
    harness.file_event(FileEvent::Opened(Box::new(run)));
    assert_eq!((harness.state.runs.len(), harness.state.run().unwrap().prompt.demo_seed), (3, 7));
    harness.keys("R G D");
    assert!(harness.file_requests.is_empty(), "one press does not delete");
    harness.keys("k j D");
    assert!(harness.file_requests.is_empty(), "another key cancels the deletion");
    harness.keys("D");
    assert!(matches!(harness.file_requests.pop(), Some(FileRequest::DeleteRun(_))));
    harness.keys("g D");
    assert_eq!(harness.state.runs.len(), 2);
    assert_eq!(harness.state.run().unwrap().prompt.demo_seed, 7, "the shown run stays");
}
