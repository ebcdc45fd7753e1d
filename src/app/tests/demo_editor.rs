//! What keys do to the demonstrations, and to a text of one's own.

use crate::{
    app::{Message, tests::harness::Bench},
    jobs::{ModelEvent, Tagged},
    runner::{Demonstration, Demos},
};

/// The prompt in one line: labels and numbers of the demonstrations, the cursor, the text of one's own.
fn prompt(bench: &Bench) -> String {
    let editor = bench.state.editor.as_ref().unwrap();
    let demo =
        |demo: &Demonstration| format!("{}{}", &demo.label.as_ref().unwrap()[..1], demo.id.trim_start_matches("pool"));
    let demos: Vec<String> = editor.demos.iter().map(demo).collect();
    format!("{} @{} {}", demos.join(" "), editor.at, editor.own).trim().to_owned()
}

#[test]
fn demonstrations_are_edited_by_keys() {
    for (keys, expected) in [
        ("", "n0 p1 n2 p3 @0"),
        ("j j k", "n0 p1 n2 p3 @1"),
        ("G j", "n0 p1 n2 p3 @3"),
        ("J", "p1 n0 n2 p3 @1"),
        ("J J J J", "p1 n2 p3 n0 @3"),
        ("G K", "n0 p1 p3 n2 @2"),
        ("K", "n0 p1 n2 p3 @0"),
        ("l", "p0 p1 n2 p3 @0"),
        ("l h", "n0 p1 n2 p3 @0"),
        ("j backspace", "n0 n2 p3 @1"),
        ("G delete", "n0 p1 n2 @2"),
        ("n", "n4 p1 n2 p3 @0"),
        ("n n n n n", "n0 p1 n2 p3 @0"),
        ("enter down enter", "p5 p1 n2 p3 @0"),
        ("a s a i d space 1 0 enter", "n0 n10 p1 n2 p3 @1"),
        ("a x x x enter", "n0 p1 n2 p3 @0"),
        ("a esc", "n0 p1 n2 p3 @0"),
        ("l J u", "p0 p1 n2 p3 @1"),
        ("l J u u", "n0 p1 n2 p3 @1"),
        ("l J u u U", "p0 p1 n2 p3 @1"),
        ("backspace backspace backspace backspace backspace", " @0"),
        ("backspace backspace backspace backspace a enter", "n0 @0"),
        ("i g o o d enter j", "n0 p1 n2 p3 @1 good"),
        ("i g o o d backspace enter", "n0 p1 n2 p3 @0 goo"),
        ("i g o o d esc", "n0 p1 n2 p3 @0"),
    ] {
        let mut bench = Bench::finished(16);
        bench.keys("p").keys(keys);
        assert_eq!(prompt(&bench), expected.trim(), "after `{keys}`");
    }
}

#[test]
fn an_edited_prompt_is_run_and_kept_beside_the_one_before() {
    let mut bench = Bench::finished(48);
    bench.keys("p r");
    assert_eq!((bench.asked.len(), &bench.asked[1].demos), (2, &Demos::Balanced), "unedited: the same run again");
    bench.run_to_end(48);
    bench.keys("l r");
    let Demos::Listed(listed) = &bench.asked[2].demos else { panic!("not edited") };
    assert_eq!((listed.len(), listed[0].label.as_deref()), (4, Some("positive")));
    assert_eq!((bench.asked[2].demo_seed, bench.asked[2].shots), (0, 4), "the training examples stay");
    bench.run_to_end(48);
    assert_eq!(bench.state.runs.len(), 2);
    assert!(bench.state.run().unwrap().demos_name().starts_with("edited "));
    assert_eq!(prompt(&bench), "p0 p1 n2 p3 @0");
    bench.keys("T");
    assert_eq!(bench.asked[3].demos, bench.asked[2].demos, "another template keeps the demonstrations");
    bench.run_to_end(48);
    bench.keys("s");
    assert_eq!((bench.asked[4].demo_seed, &bench.asked[4].demos), (1, &Demos::Balanced));
}

#[test]
fn a_text_is_answered_while_it_is_typed_and_late_answers_are_dropped() {
    let mut bench = Bench::finished(48);
    bench.keys("p");
    assert_eq!(bench.questions, 1, "the prompt is measured");
    let first = bench.state.editor.as_ref().unwrap().serial;
    bench.keys("i g o");
    assert_eq!(bench.questions, 3);
    let editor = bench.state.editor.clone().unwrap();
    let run = bench.state.run().unwrap();
    let breakdown = editor.breakdown(run).unwrap();
    assert!(breakdown.margin > 0.0 && !breakdown.terms.is_empty());
    let event = ModelEvent::NoAnswer(first, "too late".to_owned());
    bench.receive(Message::Model(Tagged { generation: first, event }));
    assert_eq!(bench.state.editor.as_ref().unwrap(), &editor);
    bench.keys("enter j j m w");
    assert_eq!(bench.questions, 3, "nothing new to ask");
    bench.keys("esc e");
    assert_eq!(bench.questions, 3);
}

#[test]
fn the_prompt_of_an_example_is_read_and_scrolled() {
    let mut bench = Bench::finished(16);
    bench.keys("e enter pageup j");
    assert_eq!((bench.state.example_list.prompt, bench.state.example_list.at), (Some(8), 1));
    bench.keys("pagedown pagedown enter pagedown");
    assert_eq!((bench.state.example_list.prompt, bench.state.example_list.at), (None, 9));
}
