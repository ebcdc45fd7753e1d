//! Tests of keys in the demonstration editor.

use crate::{
    app::{Message, tests::harness::Harness},
    jobs::{ModelEvent, Tagged},
    runner::{Demonstration, Demos},
};

/// Returns the editor in one line: labels and indices of the demonstrations, the cursor, the text to classify.
fn prompt(harness: &Harness) -> String {
    let editor = harness.state.editor.as_ref().unwrap();
    let demo =
        |demo: &Demonstration| format!("{}{}", &demo.label.as_ref().unwrap()[..1], demo.id.trim_start_matches("pool"));
    let demos: Vec<String> = editor.demos.iter().map(demo).collect();
    format!("{} @{} {}", demos.join(" "), editor.at, editor.text).trim().to_owned()
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
        let mut harness = Harness::finished(16);
        harness.keys("p").keys(keys);
        assert_eq!(prompt(&harness), expected.trim(), "after `{keys}`");
    }
}

#[test]
fn an_edited_prompt_runs_as_a_new_run() {
    let mut harness = Harness::finished(48);
    harness.keys("p r");
    assert_eq!(
        (harness.requests.len(), &harness.requests[1].demos),
        (2, &Demos::Balanced),
        "without edits, the same run repeats"
    );
    harness.run_to_end(48);
    harness.keys("l r");
    let Demos::Listed(listed) = &harness.requests[2].demos else { panic!("not edited") };
    assert_eq!((listed.len(), listed[0].label.as_deref()), (4, Some("positive")));
    assert_eq!(
        (harness.requests[2].demo_seed, harness.requests[2].shots),
        (0, 4),
        "the training examples are unchanged"
    );
    harness.run_to_end(48);
    assert_eq!(harness.state.runs.len(), 2);
    assert!(harness.state.run().unwrap().demos_name().starts_with("edited "));
    assert_eq!(prompt(&harness), "p0 p1 n2 p3 @0");
    harness.keys("T");
    assert_eq!(harness.requests[3].demos, harness.requests[2].demos, "another template keeps the demonstrations");
    harness.run_to_end(48);
    harness.keys("s");
    assert_eq!((harness.requests[4].demo_seed, &harness.requests[4].demos), (1, &Demos::Balanced));
}

#[test]
fn a_text_is_classified_while_typing_and_late_answers_are_dropped() {
    let mut harness = Harness::finished(48);
    harness.keys("p");
    assert_eq!(harness.queries, 1, "the tokens of the prompt are counted");
    let first = harness.state.editor.as_ref().unwrap().serial;
    harness.keys("i g o");
    assert_eq!(harness.queries, 3);
    let editor = harness.state.editor.clone().unwrap();
    let run = harness.state.run().unwrap();
    let breakdown = editor.breakdown(run).unwrap();
    assert!(breakdown.margin > 0.0 && !breakdown.terms.is_empty());
    let event = ModelEvent::NoAnswer(first, "too late".to_owned());
    harness.receive(Message::Model(Tagged { generation: first, event }));
    assert_eq!(harness.state.editor.as_ref().unwrap(), &editor);
    harness.keys("enter j j m w");
    assert_eq!(harness.queries, 3, "the prompt and the text are unchanged");
    harness.keys("esc e");
    assert_eq!(harness.queries, 3);
}

#[test]
fn the_prompt_of_an_example_can_be_scrolled() {
    let mut harness = Harness::finished(16);
    harness.keys("e enter pageup j");
    assert_eq!((harness.state.example_list.prompt, harness.state.example_list.at), (Some(8), 1));
    harness.keys("pagedown pagedown enter pagedown");
    assert_eq!((harness.state.example_list.prompt, harness.state.example_list.at), (None, 9));
}
