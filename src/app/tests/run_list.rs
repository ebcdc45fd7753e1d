//! What keys do among many runs.

use crate::{
    app::{
        state::{Screen, selection},
        tests::{fixture, harness::Bench},
    },
    jobs::{FileEvent, FileRequest},
    runner::{Event, RunRequest},
};

#[test]
fn the_matrix_holds_all_runs_against_each_other_and_opens_a_pair() {
    let mut bench = Bench::finished(48);
    bench.keys("M");
    assert_eq!(bench.state.matrix.runs.len(), 1);
    for _ in 0..2 {
        bench.keys("s");
        bench.run_to_end(48);
    }
    let matrix = &bench.state.matrix;
    assert_eq!((matrix.runs.len(), matrix.at), (3, (0, 2)));
    assert!((matrix.agreement[1][1].pearson.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(matrix.agreement[0][2], matrix.agreement[2][0]);
    bench.keys("j h h l enter");
    assert_eq!(bench.state.screen, Screen::Map, "the diagonal is a run");
    bench.keys("M k enter");
    assert_eq!(bench.state.screen, Screen::Compare);
    let comparison = bench.state.comparison.as_ref().unwrap();
    assert_eq!((comparison.a, comparison.b), (bench.state.matrix.runs[0], bench.state.matrix.runs[1]));
    assert_eq!(comparison.agreement.pearson, bench.state.matrix.agreement[0][1].pearson);
}

#[test]
fn runs_are_queued_and_begin_one_after_the_other() {
    let mut bench = Bench::opened();
    bench.keys("Q Q Q");
    let seeds = |bench: &Bench| bench.state.run_list.queue.iter().map(|request| request.demo_seed).collect::<Vec<_>>();
    assert_eq!((seeds(&bench), bench.asked.len()), (vec![1, 2, 3], 1));
    bench.run_to_end(16);
    assert_eq!((seeds(&bench), bench.asked.len(), bench.asked[1].demo_seed), (vec![2, 3], 2, 1));
    bench.run_to_end(16);
    bench.keys("R j delete");
    assert_eq!(seeds(&bench), [0_u64; 0], "the last of the queue is taken out");
    bench.run_to_end(16);
    assert_eq!((bench.asked.len(), bench.state.runs.len()), (3, 3));
    bench.keys("Q Q");
    bench.hear(Event::Failed("no".to_owned()));
    assert_eq!((bench.asked.len(), seeds(&bench)), (4, vec![4]), "what failed is read before the queue goes on");
    bench.keys("esc");
    assert_eq!((bench.asked.len(), bench.asked[4].demo_seed), (5, 4));
    bench.keys("Q x");
    assert_eq!((bench.asked.last().unwrap().demo_seed, seeds(&bench).len()), (4, 0), "stopping empties the queue");
}

#[test]
fn runs_are_opened_compared_and_deleted() {
    let mut bench = Bench::finished(48);
    bench.keys("s");
    bench.run_to_end(48);
    bench.keys("R");
    assert_eq!(selection::rows(&bench.state).len(), 5, "two at hand, three of the store");
    bench.keys("c");
    assert_eq!((bench.state.screen, bench.state.other), (Screen::Compare, Some(bench.state.runs[0].id)));
    bench.keys("R enter");
    assert_eq!((bench.state.screen, bench.state.current), (Screen::Map, 0));
    bench.keys("R j j enter");
    assert!(matches!(bench.file_requests.pop(), Some(FileRequest::OpenRun(key)) if key == "0".repeat(32)));
    let run = fixture::run(&RunRequest { demo_seed: 7, ..fixture::request() }, 200);
    bench.hear_of_file(FileEvent::Opened(Box::new(run)));
    assert_eq!((bench.state.runs.len(), bench.state.run().unwrap().prompt.demo_seed), (3, 7));
    bench.keys("R G D");
    assert!(bench.file_requests.is_empty(), "once is not enough");
    bench.keys("k j D");
    assert!(bench.file_requests.is_empty(), "another key in between takes it back");
    bench.keys("D");
    assert!(matches!(bench.file_requests.pop(), Some(FileRequest::DeleteRun(_))));
    bench.keys("g D");
    assert_eq!(bench.state.runs.len(), 2);
    assert_eq!(bench.state.run().unwrap().prompt.demo_seed, 7, "what is shown stays");
}
