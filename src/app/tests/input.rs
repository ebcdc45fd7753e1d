//! Tests of keys in input lines, lists and help, and of copying.

use crate::{
    app::{
        press,
        state::{Overlay, Screen, help::Help, input::caret_offset},
        tests::harness::Harness,
        update::{go_to, type_text},
    },
    jobs::{FileEvent, FileRequest},
};

/// Returns the open input line, with `|` at the cursor.
fn line(harness: &Harness) -> String {
    let text = match &harness.state.overlay {
        Some(Overlay::Line(line)) => &line.text,
        Some(Overlay::Palette(palette)) => &palette.text,
        Some(Overlay::Search) => &harness.state.example_list.needle,
        Some(Overlay::Pool { needle, .. }) => needle,
        _ => return String::new(),
    };
    let (before, behind) = text.split_at(caret_offset(text, harness.state.caret));
    format!("{before}|{behind}")
}

#[test]
fn lines_are_edited_at_the_cursor() {
    for (keys, expected) in [
        ("", "mix.json|"),
        ("left left x", "mix.jsx|on"),
        ("home a end b", "amix.jsonb|"),
        ("left backspace", "mix.js|n"),
        ("home delete delete", "|x.json"),
        ("delete", "mix.json|"),
        ("home backspace left", "|mix.json"),
        ("right right z", "mix.jsonz|"),
        ("space a space b ctrl-w", "mix.json a |"),
        ("space a space ctrl-w ctrl-w", "|"),
        ("ctrl-a right right ctrl-w", "|x.json"),
        ("left ctrl-u é left x", "x|é"),
        ("down up pagedown", "mix.json|"),
        ("left esc ctrl-s", "mix.json|"),
    ] {
        let mut harness = Harness::finished(16);
        harness.keys("ctrl-s").keys(keys);
        assert_eq!(line(&harness), expected, "{keys}");
    }
    for open in [":", "/", "p enter", "p i"] {
        let mut harness = Harness::finished(16);
        harness.keys(open).keys("a b left c");
        assert_eq!(line(&harness), "ac|b", "{open}");
    }
}

#[test]
fn esc_and_a_quick_key_are_two_keys_also_where_the_terminal_sends_alt() {
    let mut harness = Harness::finished(16);
    harness.keys("? alt-e");
    assert_eq!((&harness.state.overlay, harness.state.screen), (&None, Screen::Examples));
    harness.keys("ctrl-s left alt-a");
    assert_eq!(line(&harness), "", "esc closed the line");
}

#[test]
fn pasted_text_becomes_one_line() {
    let mut harness = Harness::finished(16);
    harness.keys("p i");
    type_text(&mut harness.state, "stocks fell\r\nagain\x1b[2J\n");
    assert_eq!(line(&harness), "stocks fell again[2J|");
    assert_eq!(harness.state.editor.as_ref().unwrap().text, "stocks fell again[2J");
    harness.keys("home N ctrl-e ctrl-w");
    assert_eq!(harness.state.editor.as_ref().unwrap().text, "Nstocks fell ");
}

#[test]
fn replacing_a_file_needs_confirmation() {
    let mut harness = Harness::finished(16);
    harness.keys("m ctrl-s enter");
    let confirmed = |harness: &mut Harness| match harness.file_requests.pop() {
        Some(FileRequest::SaveMix { replace, .. }) => replace,
        other => panic!("{other:?}"),
    };
    assert!(!confirmed(&mut harness));
    harness.file_event(FileEvent::Exists("mix.json".into()));
    assert_eq!(line(&harness), "mix.json|", "the name can be changed");
    harness.keys("enter");
    assert!(confirmed(&mut harness), "confirmed");
    harness.file_event(FileEvent::Exists("mix.json".into()));
    harness.keys("backspace n enter");
    assert!(!confirmed(&mut harness), "another name needs its own confirmation");
}

#[test]
fn examples_are_filtered_by_label_and_scrolled() {
    let mut harness = Harness::finished(40);
    let shown = |harness: &Harness| {
        let (run, example_list) = (harness.state.run().unwrap(), &harness.state.example_list);
        let mut golds: Vec<usize> = example_list.rows.iter().map(|&row| run.test.items[row].gold).collect();
        golds.sort_unstable();
        golds.dedup();
        (golds, example_list.at)
    };
    assert_eq!(shown(harness.keys("e G")), (vec![0, 1], 39));
    assert_eq!(shown(harness.keys("g Y")), (vec![0], 0));
    assert_eq!(shown(harness.keys("Y")), (vec![1], 0));
    assert_eq!(shown(harness.keys("Y")), (vec![0, 1], 1), "the cursor stays on its example");
    assert_eq!(shown(harness.keys("esc Y esc")).0, [0, 1], "close on the map clears the filters");
    harness.state.page = 20;
    assert_eq!(shown(harness.keys("e g pagedown")).1, 20, "a page has the rows of the screen");
}

#[test]
fn help_scrolls_by_pages_up_to_its_end() {
    let mut harness = Harness::finished(16);
    harness.state.page = 10;
    let at = |harness: &Harness| match harness.state.overlay {
        Some(Overlay::Help(Help { scroll, .. })) => scroll,
        _ => usize::MAX,
    };
    assert_eq!(at(harness.keys("? pagedown space pageup")), 10);
    let end = at(harness.keys("G"));
    assert_eq!(at(harness.keys("j j k")), end - 1, "moving up takes effect at once");
    assert_eq!(at(harness.keys("g")), 0);
    assert_eq!(at(harness.keys("q")), usize::MAX);
}

#[test]
fn every_screen_copies_its_selected_row() {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    harness.run_to_end(48);
    for (keys, start, columns) in [
        ("esc", "L0.H0\t", 4),
        ("d g", "rest\t1", 2),
        ("d e", "test0\t", 4),
        ("p", "negative\t", 2),
        ("i o d d enter", "odd", 1),
        ("c", "L0.H0\t0.", 4),
        ("M", "review demos 0\treview demos 1\t", 5),
        ("R", "sentiment\treview\tdemos ", 5),
    ] {
        let copied = harness.keys(keys).keys("y").copied.take().unwrap_or_default();
        assert!(copied.starts_with(start) && copied.split('\t').count() == columns, "{keys}: {copied}");
    }
}

#[test]
fn a_tab_opens_its_screen_and_does_not_close_it() {
    let mut harness = Harness::finished(16);
    for &screen in Screen::ALL.iter().rev() {
        for _ in 0..2 {
            go_to(&mut harness.state, screen);
            assert_eq!(harness.state.screen, screen);
        }
    }
    press(&mut harness.state, "C".parse().unwrap());
    assert!(harness.state.detail);
}
