//! Tests of what a new user found wrong on the screens. The numbers are those of the list of findings.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    app::{
        Action, Screen,
        state::{Severity, comparison::ComparisonView, metric::Metric, scale::Scale},
        tests::harness::Harness,
    },
    component::Shape,
    progress::Progress,
    runner::Event,
    tui::{
        color::Depth,
        layout::{
            Layout, bars,
            compare::{Sides, side_cells},
            map_cells,
        },
        theme::Theme,
        views::hints,
        widgets::{
            grid::Grid,
            heatmap::{Heatmap, HeatmapCell},
            minimap::Minimap,
        },
    },
};

use super::{SIZES, paint, text};

/// Draws a map of one layer, every cell with `value`, and returns the texts of its cells.
fn cells(metric: Metric, value: f64, width: u16, has_signs: bool) -> Vec<String> {
    let shape = Shape { layers: 1, heads: 3, labels: 2 };
    let area = Rect::new(0, 0, Grid::width(shape, width), 2);
    let cursor = crate::app::state::Cursor::default();
    let grid = Grid::fit(area, shape, cursor);
    assert_eq!(grid.pitch, (width, 1));
    let theme = &Theme::built_in(Depth::True).unwrap()[0];
    let cell = |_: usize| HeatmapCell { value: Some(value), ..HeatmapCell::default() };
    let scale = Scale { low: -1.0, neutral: 0.0, high: 1.0 };
    let mut buf = Buffer::empty(area);
    let map = Heatmap { grid, unit: metric.unit(), scale, cell, has_signs, cursor, theme };
    ratatui::widgets::Widget::render(&map, area, &mut buf);
    let text = |column| grid.cell(0, column).unwrap().positions().map(|at| buf[at].symbol()).collect::<String>();
    (1..3).map(text).collect()
}

/// 1: what a cell shows is the number that the unit gives for its room, never another one.
#[test]
fn cells_never_show_another_number() {
    for &metric in Metric::ALL {
        let unit = metric.unit();
        for value in [0.0, 0.004, 0.05, 0.5, 0.594, 0.994, 0.998, 1.0] {
            for value in if unit.is_signed() { vec![value, -value, value * 100.0] } else { vec![value] } {
                for (width, has_signs) in (1..=4).flat_map(|width| [(width, true), (width, false)]) {
                    let allowed: Vec<String> = (1..=usize::from(width)).map(|room| unit.number(value, room)).collect();
                    for cell in cells(metric, value, width, has_signs) {
                        let what = format!("{} {value} in {width}: {cell:?}", metric.title());
                        assert!(allowed.iter().any(|text| text == cell.trim()), "{what}");
                    }
                }
            }
        }
    }
    assert_eq!(cells(Metric::Accuracy, 1.0, 3, true), ["100", "100"]);
    assert_eq!(cells(Metric::Accuracy, 0.998, 3, true), ["100", "100"]);
}

fn busy() -> Harness {
    let mut harness = Harness::finished(48);
    harness.keys("s");
    harness.events(48)[..4].iter().cloned().for_each(|event| harness.run_event(event));
    harness.run_event(Event::Progress(Progress { done: 36, total: 68, rate: 50.0, left: None }));
    harness
}

/// 3, 6: progress stays beside any message, and a complete run is never called stopped.
#[test]
fn progress_stays_visible_and_belongs_to_its_run() {
    let mut harness = busy();
    harness.state.notify(Severity::Plain, "112 of 892 examples kept from before");
    for size in SIZES {
        let screen = text(&paint(&harness, size, Depth::True));
        assert!(screen.contains("36/68  50/s") && screen.contains("kept from before"), "{screen}");
    }
    harness.state.notify(Severity::Plain, "a long message ".repeat(12).trim());
    for size in SIZES {
        let screen = text(&paint(&harness, size, Depth::True));
        assert!(screen.contains("36/68  50/s") && screen.contains("a long message"), "{screen}");
    }
    harness.keys("S");
    let screen = text(&paint(&harness, (80, 24), Depth::True));
    assert!(screen.contains("36/68") && screen.contains("demos 1 ") && !screen.contains("stopped"), "{screen}");
    harness.keys("x l");
    let screen = text(&paint(&harness, (80, 24), Depth::True));
    assert!(screen.contains("done in") && !screen.contains("incomplete"), "{screen}");
    harness.keys("R g k enter");
    harness.keys("R j enter l");
    let stopped = harness.state.run().unwrap();
    assert!(!stopped.is_complete());
    let screen = text(&paint(&harness, (120, 40), Depth::True));
    assert!(screen.contains("stopped: 16 of 48 test examples; r resumes this run"), "{screen}");
}

/// 7: an empty list says why it is empty.
#[test]
fn an_empty_list_says_why() {
    let mut harness = Harness::finished(48);
    let screen = text(&paint(harness.keys("e f f"), (120, 40), Depth::True));
    assert!(screen.contains("no mix yet, so nothing is flipped"), "{screen}");
}

/// 8, 11: the fit is named by the method that fitted it, and is gone after a reset.
#[test]
fn the_method_of_a_fit_is_the_one_that_fitted() {
    let mut harness = Harness::finished(48);
    let screen = text(&paint(harness.keys("w d n n"), (120, 40), Depth::True));
    assert!(screen.contains("by partscope ") && screen.contains("w fits by "), "{screen}");
    assert!(!screen.contains("fits by partscope"), "{screen}");
    harness.keys("l h");
    let screen = text(&paint(harness.keys("X l h X esc j"), (120, 40), Depth::True));
    assert!(screen.contains("done in") && !screen.contains("optimal to"), "{screen}");
}

/// 9: percentages of an earlier prompt are named as such.
#[test]
fn a_stale_answer_is_marked() {
    let mut harness = Harness::finished(48);
    harness.keys("i a space f i l m enter");
    assert!(!text(&paint(&harness, (120, 40), Depth::True)).contains("The answer below is for"));
    harness.answers_to("l");
    let screen = text(&paint(&harness, (120, 40), Depth::True));
    assert!(screen.contains("answering…") && screen.contains("The answer below is for the prompt"), "{screen}");
}

/// 13: compared numbers stand apart, and the explanation is in sight at every size.
#[test]
fn a_comparison_is_readable_at_every_size() {
    let mut harness = Harness::finished(200);
    harness.keys("s");
    harness.run_to_end(200);
    harness.keys("c");
    for (width, height) in SIZES {
        let buf = paint(&harness, (width, height), Depth::True);
        let screen = text(&buf);
        for part in ["B − A, accuracy", "demonstrations A | B", "predicted labels", "✗→✓", "what moved all flips"]
        {
            assert!(screen.contains(part), "{part} at {width}×{height}\n{screen}");
        }
        let sides = Sides::new(buf.area, harness.shape, ComparisonView::Maps, 4);
        for map in &sides.maps {
            let grid = Grid::fit(side_cells(*map), harness.shape, harness.state.cursor);
            let cell = grid.cell(3, 4).unwrap();
            let left = grid.cell(3, 0).unwrap().x;
            let part = |y: u16| (left..cell.right()).map(|x| buf[(x, y)].symbol()).collect::<String>();
            let rows: String = (cell.y..cell.bottom()).map(part).collect::<Vec<_>>().join(" ");
            let numbers: String = rows.chars().map(|c| if "▀▐▌▗▖".contains(c) { ' ' } else { c }).collect();
            assert_eq!(numbers.replace(['▲', '▼', '■'], " ").split_whitespace().count(), 5, "{numbers}");
        }
    }
    let screen = text(&paint(harness.keys("v v"), (80, 24), Depth::True));
    assert!(screen.contains("│") && screen.contains("└──") && screen.contains("A, %"), "{screen}");
}

/// 14: lists and maps say how much is hidden.
#[test]
fn hidden_rows_are_counted() {
    let mut harness = Harness::opened();
    harness.shape = Shape { layers: 18, heads: 4, labels: 2 };
    harness.run_to_end(40);
    let screen = text(&paint(&harness, (80, 24), Depth::True));
    assert!(screen.contains("↑2 18 layers"), "{screen}");
    let screen = text(&paint(harness.keys("d"), (80, 24), Depth::True));
    assert!(screen.contains(" ↓"), "{screen}");
    let screen = text(&paint(harness.keys("G"), (80, 24), Depth::True));
    assert!(screen.contains(" ↑"), "{screen}");
}

/// 17: a map with free rows below shows means and extremes, and tabs are there from 100 columns on.
#[test]
fn free_room_is_used() {
    let mut harness = Harness::opened();
    harness.shape = Shape { layers: 18, heads: 4, labels: 2 };
    harness.run_to_end(40);
    let screen = text(&paint(&harness, (120, 40), Depth::True));
    assert!(screen.contains("mean") && screen.contains("highest") && screen.contains("lowest"), "{screen}");
    for size in [(120, 40), (200, 60)] {
        let screen = text(&paint(&harness, size, Depth::True));
        let means = screen.lines().find_map(|line| line.trim_start().strip_prefix("mean ")).unwrap();
        let first: u32 = means.split_whitespace().next().unwrap().parse().unwrap();
        assert!(first >= 10, "a tenth instead of percent: {means}");
    }
    let header = Rect::new(0, 0, 120, 1);
    assert_eq!(bars::tabs(header).len(), Screen::ALL.len());
    assert!(hints(Rect { y: 39, ..header }, &harness.state).iter().any(|hint| hint.action == Action::Palette));
}

/// 13: digits of a column stand below each other, in cells of any height.
#[test]
fn digits_stand_below_each_other() {
    let mut harness = Harness::finished(200);
    for (width, height) in SIZES {
        let buf = paint(harness.keys("b"), (width, height), Depth::None);
        let layout = Layout::new(buf.area, &harness.state).unwrap();
        let grid = Grid::fit(map_cells(layout.map), harness.shape, harness.state.cursor);
        let ends = grid.visible().filter(|&(_, column)| column == 3).filter_map(|(layer, column)| {
            let cell = grid.cell(layer, column)?;
            let row = cell.y + cell.height.saturating_sub(1 + u16::from(cell.height >= 3)) / 2;
            cell.columns().rev().map(|place| place.x).find(|&x| buf[(x, row)].symbol().parse::<u8>().is_ok())
        });
        let ends: Vec<u16> = ends.collect();
        assert!(ends.len() == 8 && ends.iter().all(|end| *end == ends[0]), "{width}×{height}: {ends:?}");
    }
}

/// 13: with other label words in the two runs, a label is not called by the name of a run.
#[test]
fn labels_with_two_words_have_both_names_in_a_comparison() {
    let mut harness = Harness::finished(200);
    harness.keys("s");
    harness.run_to_end(200);
    let words = [" B".to_owned(), " A".to_owned()];
    harness.state.runs[1].task.label_words = words.to_vec();
    harness.keys("c");
    for size in SIZES {
        let screen = text(&paint(&harness, size, Depth::True));
        assert!(screen.contains("negative/B") && screen.contains("positive/A"), "{screen}");
        assert!(screen.contains("positive/A: A 36 %, B 27 %") || screen.contains("A predicts positive/A"), "{screen}");
    }
}

/// 13: the ranking shows the largest changes and the selected component, and no cut number.
#[test]
fn a_ranking_shows_the_largest_changes_whole() {
    let mut harness = Harness::finished(200);
    harness.keys("s");
    harness.run_to_end(200);
    harness.keys("c v g");
    harness.keys(&"j ".repeat(60));
    for size in SIZES {
        let screen = text(&paint(&harness, size, Depth::True));
        let ranking: Vec<&str> = screen.lines().filter_map(|line| line.split(" model ").next()).collect();
        assert!(ranking.iter().any(|line| line.starts_with("   1 ")) && screen.contains("between"), "{screen}");
        assert!(ranking.iter().any(|line| line.starts_with("  61 ")), "{screen}");
        let first = ranking.iter().find(|line| line.starts_with("   1 ")).unwrap();
        assert!(!first[..40.min(first.len())].contains('…'), "{first}");
    }
}

/// 14: a large map has a minimap, and enlarging it makes its numbers whole.
#[test]
fn a_large_map_is_overviewed_and_enlarged() {
    for (layers, heads) in [(32, 32), (80, 64)] {
        let mut harness = Harness::opened();
        harness.shape = Shape { layers, heads, labels: 2 };
        harness.run_to_end(40);
        for size in SIZES {
            let is_scrolled = |harness: &Harness| {
                let layout = Layout::new(Rect::new(0, 0, size.0, size.1), &harness.state).unwrap();
                let cells = map_cells(layout.map);
                let (grid, minimap) = Minimap::beside(cells, harness.shape, harness.state.cursor, harness.state.zoomed);
                let seen = grid.layers.1 * grid.columns.1 * 4 >= layers * (heads + 1) * 3;
                assert!(seen || minimap.is_some(), "{layers}×{heads} at {size:?}");
                grid.pitch
            };
            is_scrolled(&harness);
            let (wide, _) = is_scrolled(harness.keys("_"));
            assert!(wide >= 4, "{layers}×{heads} at {size:?}: {wide}");
            let screen = text(&paint(&harness, size, Depth::True));
            assert!(screen.contains('┃') && screen.contains('━'), "{screen}");
            harness.keys("_");
        }
    }
}

/// 17: tabs and methods have whole names, and entries of the palette that are cut are shown in full.
#[test]
fn names_are_whole() {
    let mut harness = Harness::finished(48);
    let screen = text(&paint(harness.keys("d"), (120, 40), Depth::True));
    for screen_title in Screen::ALL.iter().map(|screen| screen.title()) {
        assert!(screen.lines().next().unwrap().contains(screen_title), "{screen}");
    }
    assert!(!screen.contains("comprw_released") && !screen.contains("best_component"), "{screen}");
    let screen = text(&paint(harness.keys("esc O l a b e l space b i a s"), (80, 24), Depth::True));
    assert!(screen.contains('…') && screen.contains("100 one label"), "{screen}");
}

/// Missing, 3: several runs, each beside the mean of the others.
#[test]
fn several_runs_are_compared_with_the_mean_of_the_others() {
    let mut harness = Harness::finished(48);
    for _ in 0..2 {
        harness.keys("s");
        harness.run_to_end(48);
    }
    let screen = text(&paint(harness.keys("M"), (120, 40), Depth::True));
    assert_eq!(screen.matches("others: r ").count(), 3, "{screen}");
    let mean = harness.state.matrix.from_mean[0].pearson.unwrap();
    assert!(screen.contains(&format!("others: r {mean:.2}, L")), "{screen}");
}
