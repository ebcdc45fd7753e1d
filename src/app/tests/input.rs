//! What keys do in lines that are typed, in lists, and to the clipboard.

use crate::{
    app::{
        press,
        state::{Overlay, Screen, input::place},
        tests::harness::Bench,
        update::{go_to, type_text},
    },
    jobs::{FileEvent, FileRequest},
};

/// The line that is open, with its cursor.
fn line(bench: &Bench) -> String {
    let text = match &bench.state.overlay {
        Some(Overlay::Line(line)) => &line.text,
        Some(Overlay::Palette(palette)) => &palette.text,
        Some(Overlay::Search) => &bench.state.example_list.needle,
        Some(Overlay::Pool { needle, .. }) => needle,
        _ => return String::new(),
    };
    let (before, behind) = text.split_at(place(text, bench.state.caret));
    format!("{before}|{behind}")
}

#[test]
fn lines_are_edited_where_their_cursor_stands() {
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
        let mut bench = Bench::finished(16);
        bench.keys("ctrl-s").keys(keys);
        assert_eq!(line(&bench), expected, "{keys}");
    }
    for open in [":", "/", "p enter", "p i"] {
        let mut bench = Bench::finished(16);
        bench.keys(open).keys("a b left c");
        assert_eq!(line(&bench), "ac|b", "{open}");
    }
}

#[test]
fn a_pasted_text_stays_in_one_line() {
    let mut bench = Bench::finished(16);
    bench.keys("p i");
    type_text(&mut bench.state, "stocks fell\r\nagain\x1b[2J\n");
    assert_eq!(line(&bench), "stocks fell again[2J|");
    assert_eq!(bench.state.editor.as_ref().unwrap().own, "stocks fell again[2J");
    bench.keys("home N ctrl-e ctrl-w");
    assert_eq!(bench.state.editor.as_ref().unwrap().own, "Nstocks fell ");
}

#[test]
fn no_file_is_replaced_unasked() {
    let mut bench = Bench::finished(16);
    bench.keys("m ctrl-s enter");
    let confirmed = |bench: &mut Bench| match bench.file_requests.pop() {
        Some(FileRequest::SaveMix { replace, .. }) => replace,
        other => panic!("{other:?}"),
    };
    assert!(!confirmed(&mut bench));
    bench.hear_of_file(FileEvent::Exists("mix.json".into()));
    assert_eq!(line(&bench), "mix.json|", "the name can be changed");
    bench.keys("enter");
    assert!(confirmed(&mut bench), "asked twice");
    bench.hear_of_file(FileEvent::Exists("mix.json".into()));
    bench.keys("backspace n enter");
    assert!(!confirmed(&mut bench), "another name is asked about again");
}

#[test]
fn examples_are_filtered_by_label_and_walked_from_end_to_end() {
    let mut bench = Bench::finished(40);
    let shown = |bench: &Bench| {
        let (run, example_list) = (bench.state.run().unwrap(), &bench.state.example_list);
        let mut golds: Vec<usize> = example_list.rows.iter().map(|&row| run.test.items[row].gold).collect();
        golds.sort_unstable();
        golds.dedup();
        (golds, example_list.at)
    };
    assert_eq!(shown(bench.keys("e G")), (vec![0, 1], 39));
    assert_eq!(shown(bench.keys("g Y")), (vec![0], 0));
    assert_eq!(shown(bench.keys("Y")), (vec![1], 0));
    assert_eq!(shown(bench.keys("Y")), (vec![0, 1], 1), "it stays on its example");
    assert_eq!(shown(bench.keys("esc Y esc")).0, [0, 1], "the map lets go of what restricts it");
    bench.state.page = 20;
    assert_eq!(shown(bench.keys("e g pagedown")).1, 20, "a page is what the screen shows");
}

#[test]
fn help_is_read_page_by_page_and_never_beyond_its_end() {
    let mut bench = Bench::finished(16);
    bench.state.page = 10;
    let at = |bench: &Bench| match bench.state.overlay {
        Some(Overlay::Help(at)) => at,
        _ => usize::MAX,
    };
    assert_eq!(at(bench.keys("? pagedown space pageup")), 10);
    let end = at(bench.keys("G"));
    assert_eq!(at(bench.keys("j j k")), end - 1, "one step back shows");
    assert_eq!(at(bench.keys("g")), 0);
    assert_eq!(at(bench.keys("q")), usize::MAX);
}

#[test]
fn every_screen_copies_its_own_row() {
    let mut bench = Bench::finished(48);
    bench.keys("s");
    bench.run_to_end(48);
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
        let copied = bench.keys(keys).keys("y").copied.take().unwrap_or_default();
        assert!(copied.starts_with(start) && copied.split('\t').count() == columns, "{keys}: {copied}");
    }
}

#[test]
fn a_tab_goes_to_its_screen_and_stays() {
    let mut bench = Bench::finished(16);
    for &screen in Screen::ALL.iter().rev() {
        for _ in 0..2 {
            go_to(&mut bench.state, screen);
            assert_eq!(bench.state.screen, screen);
        }
    }
    press(&mut bench.state, "C".parse().unwrap());
    assert!(bench.state.detail);
}
