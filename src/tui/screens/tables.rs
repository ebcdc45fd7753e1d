//! Tests of tables and lists on the screens: numbers stand apart and say over what, hidden parts are counted, and no key is
//! silent.

use std::collections::BTreeSet;

use crate::{
    app::{
        Action, Screen,
        keymap::KeyContext,
        press,
        state::{experiments::ExperimentStatus, fit::BaselineScores, metric::Metric},
        tests::{fixture, harness::Harness},
        update::go_to,
    },
    runner::RunRequest,
    tui::color::Depth,
};

use super::{SIZES, paint, text};

/// Two complete runs, of demos 0 and 1, with these numbers of test examples.
fn pair(first: usize, second: usize) -> Harness {
    let mut harness = Harness::finished(first);
    harness.keys("s");
    harness.run_to_end(second);
    harness
}

fn screen(harness: &Harness, size: (u16, u16)) -> String {
    text(&paint(harness, size, Depth::True))
}

/// Both accuracies of a comparison are over the shared examples, whose number is there.
#[test]
fn compared_accuracies_are_over_the_same_examples() {
    let mut harness = pair(48, 40);
    harness.keys("c");
    let (a, b) = (harness.state.other_run().unwrap(), harness.state.run().unwrap());
    let comparison = harness.state.comparison.as_ref().unwrap();
    let right = |run: &crate::app::state::open_run::OpenRun| {
        let predicted = run.test.tally.full_predictions().iter().zip(&run.test.items).take(40);
        100.0 * predicted.filter(|(label, item)| **label == item.gold).count() as f64 / 40.0
    };
    let (of_a, of_b) = (right(a), right(b));
    for (found, expected) in comparison.accuracies([a, b]).into_iter().zip([of_a, of_b]) {
        assert!((found.unwrap() * 100.0 - expected).abs() < 1e-9);
    }
    assert!((100.0 * a.test.tally.full_accuracy().unwrap() - of_a).abs() > 0.05, "the other eight count elsewhere");
    for size in SIZES {
        let screen = screen(&harness, size);
        let of = if size.0 == 80 { "of 40" } else { "of 40 shared" };
        assert!(screen.contains(&format!("model {of_a:.1} % {of}")), "{screen}");
        assert!(screen.contains(&format!("model {of_b:.1} % of 40")), "{screen}");
        assert!(screen.contains(&format!("{} of 40: ", comparison.flips.len())), "{screen}");
    }
    let all = 100.0 * a.test.tally.full_accuracy().unwrap();
    assert!(screen(&harness, (200, 60)).contains(&format!("{all:.1} % of all 48")), "{}", screen(&harness, (200, 60)));
    let mut same = pair(48, 48);
    let screen = screen(same.keys("w c"), (120, 40));
    assert!(screen.contains(" % of 48 (model ") && !screen.contains("shared"), "{screen}");
}

/// Demonstrations have the words that the model reads, those of their own run.
#[test]
fn compared_demonstrations_have_the_words_of_their_runs() {
    let mut harness = pair(48, 48);
    harness.state.runs[0].task.label_words = vec![" bad".to_owned(), " good".to_owned()];
    harness.state.runs[1].task.label_words = vec![" sad".to_owned(), " glad".to_owned()];
    harness.keys("c");
    let screen = screen(&harness, (200, 60));
    assert!(screen.contains(" 1 ~ bad ") && screen.contains("| sad ") && screen.contains("| glad "), "{screen}");
    let demos = screen.lines().filter(|line| line.contains(" ~ "));
    assert!(demos.clone().count() == 4 && demos.into_iter().all(|line| !line.contains("ative")), "{screen}");
}

/// The list of runs has the number of demonstrations, and no run of another task is called compared.
#[test]
fn the_list_of_runs_has_shots_and_says_compared_only_of_a_compared_run() {
    let mut harness = Harness::finished(48);
    harness.keys("}");
    harness.run_to_end(48);
    for size in SIZES {
        let screen = screen(harness.keys("esc R"), size);
        let is_row = |line: &&str| line.starts_with(" ● sentiment ") && !line.contains(" · ");
        let rows: Vec<&str> = screen.lines().filter(is_row).collect();
        assert!(screen.contains("shots") && rows.len() == 2, "{screen}");
        for (row, shots) in rows.iter().zip(["4", "6"]) {
            assert!(row.split_whitespace().any(|word| word == shots), "{row}");
        }
        assert!(rows[0].contains("compared"), "{screen}");
    }
    harness.keys("esc t");
    harness.run_to_end(48);
    let screen = screen(harness.keys("R"), (120, 40));
    assert!(!screen.contains("compared"), "{screen}");
}

/// A name never touches the number behind it.
#[test]
fn names_of_baselines_stand_apart_from_their_numbers() {
    for ci in [(0.72, 0.83), (0.98, 1.0), (0.999, 1.0)] {
        let mut harness = Harness::finished(48);
        harness.keys("w d");
        let id = harness.state.current;
        if let Some(BaselineScores::Known(outcomes)) = &mut harness.state.runs[id].baselines {
            for outcome in outcomes {
                (outcome.accuracy, outcome.ci) = (1.0, ci);
            }
        }
        for size in SIZES {
            let screen = screen(&harness, size);
            let rows: Vec<&str> = screen.lines().filter(|line| line.contains("100.0 [")).collect();
            assert!(rows.len() > 2, "{screen}");
            for row in rows {
                let before = row.split("100.0 [").next().unwrap();
                assert!(before.ends_with(' '), "{row}");
                assert!(row.contains("100]") || row.contains("83]"), "{row}");
            }
        }
    }
}

/// The matrix counts the hidden columns and rows, and its diagonal says what it opens.
#[test]
fn the_matrix_counts_what_is_hidden_and_says_what_it_opens() {
    let mut harness = Harness::finished(24);
    harness.keys("s");
    harness.run_to_end(24);
    let two = screen(harness.keys("M j"), (80, 24));
    assert_eq!(harness.state.matrix.at, (1, 1));
    assert!(!two.contains("mean of the others") && two.contains("against the other run: r "), "{two}");
    assert!(two.contains("opens the map of this run: accuracy "), "{two}");
    for _ in 2..12 {
        harness.keys("s");
        harness.run_to_end(24);
    }
    harness.keys("esc M h h h h h h h h h h h h");
    let left = screen(&harness, (80, 24));
    assert!(left.contains(" 4 →") && !left.contains('←'), "{left}");
    let right = screen(harness.keys("l l l l l l l l l l l"), (80, 24));
    assert!(right.contains("←4") && !right.contains('→'), "{right}");
    let short = screen(&harness, (80, 20));
    assert!(short.contains(" ↓") || short.contains(" L "), "{short}");
    harness.keys("j j j j j j j j j j j j");
    assert!(screen(&harness, (80, 24)).contains("opens the map of this run: accuracy − other runs"));
}

/// Lists without a cursor count the rows that do not fit.
#[test]
fn rows_that_do_not_fit_are_counted() {
    let mut harness = Harness::finished(200);
    let screen = screen(harness.keys("w A"), (80, 24));
    let sweep = screen.matches(" ↓").count();
    assert!(sweep >= 2, "{screen}");
    let theme = &crate::tui::theme::Theme::built_in(Depth::None).unwrap()[0];
    let area = ratatui::layout::Rect::new(0, 0, 20, 3);
    let mut buf = ratatui::buffer::Buffer::empty(area);
    let lines = (0..8).map(|row| ratatui::text::Line::raw(format!("row {row}"))).collect();
    crate::tui::widgets::pane::stack_or_count(&mut buf, area, theme, lines);
    assert!(text(&buf).contains(" 5 ↓"), "{}", text(&buf));
}

/// An answer "as it was before" is only announced where there is one.
#[test]
fn no_earlier_answer_is_announced_above_an_empty_pane() {
    let mut harness = Harness::finished(48);
    harness.keys("p");
    harness.answers_to("i a");
    for size in SIZES {
        let screen = screen(&harness, size);
        assert!(!screen.contains("as they were before") && screen.contains("waiting for the model"), "{screen}");
    }
}

/// The message about the size keeps its sense in any size.
#[test]
fn a_very_small_terminal_is_told_the_size_that_is_needed() {
    let harness = Harness::finished(5);
    for (width, height) in [(20, 5), (40, 3), (71, 2), (20, 3), (15, 1), (60, 19)] {
        let screen = screen(&harness, (width, height));
        assert!(screen.split_whitespace().collect::<Vec<_>>().join(" ").contains("needs 72 × 20"), "{screen}");
        assert!(!screen.contains('…'), "{screen}");
    }
    let screen = screen(&harness, (20, 5));
    assert!(screen.contains("too small") && screen.contains("q quits"), "{screen}");
}

/// A rise has a sign in every quantity.
#[test]
fn changes_in_the_ranking_have_a_sign() {
    let mut harness = pair(200, 200);
    harness.keys("c v");
    for metric in [Metric::Accuracy, Metric::Margin, Metric::Bias] {
        harness.state.map.metric = metric;
        harness.keys("g");
        let change = &harness.state.comparison.as_ref().unwrap().quantities.change;
        let risen = change.iter().flatten().filter(|change| **change > 0.01).count();
        let screen = screen(&harness, (120, 40));
        let rows = screen.lines().filter_map(|line| line.get(22..36));
        let signed = rows.filter(|row| row.contains('+')).count();
        assert!(risen > 0 && signed > 0, "{}: {screen}", metric.title());
    }
}

/// Actions that may do nothing without a word: they stop at an edge, or there is nothing left to close.
fn may_be_silent(action: Action) -> bool {
    action.section() == crate::app::action::Section::Cursor
        || matches!(action, Action::ListDown | Action::ListUp | Action::PageDown | Action::PageUp | Action::Close)
}

/// Presses every key of every screen and returns those that neither change the screen nor say anything.
fn silent_keys(name: &str, harness: &dyn Fn() -> Harness) -> Vec<String> {
    let mut silent = Vec::new();
    for &at in Screen::ALL {
        let opened = {
            let mut harness = harness();
            let effects = go_to(&mut harness.state, at);
            harness.execute(effects);
            harness.state
        };
        for &action in Action::ALL.iter().filter(|action| !may_be_silent(**action)) {
            let Some(key) = opened.keymap.keys(KeyContext::Screen(at), action).into_iter().next() else { continue };
            let mut state = opened.clone();
            state.notice = None;
            let drawn = |state: &crate::app::State| {
                let mut harness = Harness::opened();
                harness.state = state.clone();
                paint(&harness, (200, 60), Depth::True)
            };
            let before = drawn(&state);
            let effects = press(&mut state, key.parse().unwrap());
            if effects.is_empty() && drawn(&state) == before {
                silent.push(format!("{name}: `{key}` ({}) on {}", action.name(), at.title()));
            }
        }
    }
    silent
}

/// No key is dead: what does nothing says why.
#[test]
fn every_key_does_something_or_says_why_not() {
    let saved = || {
        let mut harness = Harness::opened();
        (harness.state.requested, harness.state.phase) = (None, crate::app::state::Phase::Idle);
        let run = |seed| fixture::run(&RunRequest { demo_seed: seed, ..fixture::request() }, 48);
        let effects = harness.state.open(vec![run(3), run(4)]);
        harness.execute(effects);
        harness
    };
    let sweeping = || {
        let mut harness = pair(48, 48);
        harness.state.experiments.status = ExperimentStatus::Busy("ablate each", None);
        harness
    };
    let filling = || {
        let mut harness = Harness::opened();
        harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
        harness
    };
    let situations: [(&str, &dyn Fn() -> Harness); 6] = [
        ("no run", &Harness::opened),
        ("first run", &filling),
        ("one run", &|| Harness::finished(48)),
        ("two runs", &|| pair(48, 48)),
        ("sweep", &sweeping),
        ("saved runs", &saved),
    ];
    let silent: BTreeSet<String> = situations.iter().flat_map(|(name, made)| silent_keys(name, made)).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}
