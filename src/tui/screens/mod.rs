//! Tests of the screens on fixed data: colours, digits, notices and sizes.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    app::{
        state::{Cursor, Phase, Severity},
        tests::{fixture, harness::Harness},
    },
    attribution::Exactness,
    component::Shape,
    progress::Progress,
    runner::Event,
};

use super::{
    color::Depth,
    layout::{Layout, map_cells},
    theme::Theme,
    views::{DrawContext, draw},
    widgets::grid::Grid,
};

mod findings;
mod snapshots;
mod tables;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn paint(harness: &Harness, (width, height): (u16, u16), depth: Depth) -> Buffer {
    let themes = Theme::built_in(depth).unwrap();
    let theme = &themes[harness.state.theme % themes.len()];
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&mut buf, DrawContext { state: &harness.state, theme, tick: 0 });
    buf
}

fn row_text(buf: &Buffer, row: u16) -> String {
    (0..buf.area.width).map(|x| buf[(x, row)].symbol()).collect()
}

fn text(buf: &Buffer) -> String {
    (0..buf.area.height).map(|row| row_text(buf, row) + "\n").collect()
}

#[test]
fn a_cell_has_the_colour_and_the_digits_of_its_value() {
    let harness = Harness::finished(200);
    let theme = &Theme::built_in(Depth::True).unwrap()[0];
    for size in SIZES {
        let buf = paint(&harness, size, Depth::True);
        let layout = Layout::new(buf.area, &harness.state).unwrap();
        let grid = Grid::fit(map_cells(layout.map), fixture::SHAPE, Cursor::default());
        let run = harness.state.run().unwrap();
        for component in 1..run.shape.components() {
            let accuracy = run.test.tally.accuracy(component).unwrap();
            let area = grid.cell(component / 9, component % 9).unwrap();
            let expected = theme.ramp.color((accuracy - 0.5) * 2.0).unwrap();
            assert_eq!(buf[(area.x, area.y)].bg, expected, "component {component} at {size:?}");
            let cell: String =
                area.rows().map(|row| row.positions().map(|at| buf[at].symbol()).collect::<String>()).collect();
            assert!(cell.contains(&format!("{:.0}", accuracy * 100.0)), "{cell:?}");
            let biased = run.test.tally.only_label(component).is_some();
            assert_eq!(cell.contains('■'), biased, "component {component}: {cell:?}");
        }
    }
}

#[test]
fn without_colours_kinds_are_shown_by_glyphs() {
    let mut harness = Harness::finished(200);
    for keys in ["", "w", "?"] {
        let buf = paint(harness.keys(keys), (80, 24), Depth::None);
        assert!(buf.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    }
    let buf = paint(Harness::finished(200).keys("w"), (80, 24), Depth::None);
    let screen = text(&buf);
    assert!(["▲", "▼", "■", "●"].iter().all(|glyph| screen.contains(glyph)));
    assert!(buf.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

#[test]
fn a_number_that_fills_a_narrow_cell_is_not_rounded() {
    let mut harness = Harness::finished(200);
    let screen = text(&paint(harness.keys("a a"), (72, 20), Depth::None));
    let row = screen.lines().find(|row| row.starts_with(" L0")).unwrap();
    assert!(row.contains("100"), "L0.H0 always predicts one label: {row}");
}

#[test]
fn an_inexact_run_is_marked_in_the_status_line() {
    let mut harness = Harness::opened();
    let mut events = harness.events(40);
    if let Some(Event::Finished(meta)) = events.last_mut() {
        meta.exactness = Exactness { max_abs: 0.5, max_rel: 0.03, argmax_mismatches: 3, ..Exactness::default() };
    }
    for event in events {
        harness.run_event(event);
    }
    let buf = paint(harness.keys("l"), (80, 24), Depth::None);
    let row = row_text(&buf, 22);
    assert!(row.contains("NOT EXACT: parts miss the logits by 3e-2"), "{row}");
    let at = row.chars().take_while(|&c| c != '✗').count() as u16;
    assert!(buf[(at, 22)].modifier.contains(Modifier::REVERSED | Modifier::BOLD));
}

#[test]
fn counts_states_and_notices_are_never_truncated() {
    let mut harness = Harness::opened();
    harness.shape = Shape { layers: 80, heads: 64, labels: 4 };
    harness.run_to_end(200);
    harness.keys("g end m");
    for size in [(72, 20), (80, 24), (120, 40)] {
        let screen = text(&paint(&harness, size, Depth::True));
        for whole in ["n=200 ", "muted ", "× muted"] {
            assert!(screen.contains(whole) || screen.contains(&whole.replace("n=", "n = ")), "{whole}: {screen}");
        }
    }
    let long = "these weights were fitted for task another, not sentiment: fit this run, or open a run of that task";
    harness.state.notify(Severity::Bad, long);
    let screen = text(&paint(&harness, (80, 24), Depth::True));
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("these weights were fitted") && words.contains("open a run of that task"), "{screen}");
    let progress = Progress { done: 49_080, total: 194_400, rate: 42_192.0, left: Some(Duration::from_secs(3)) };
    harness.state.notice = None;
    harness.state.phase = Phase::Preparing(Some(progress));
    let screen = text(&paint(&harness, (72, 20), Depth::True));
    assert!(screen.contains("prompts") && screen.contains("49080/194400  42192/s  3.0 s left"), "{screen}");
    harness.state.phase = Phase::Running(progress);
    let screen = text(&paint(&harness, (72, 20), Depth::True));
    assert!(screen.contains("49080/194400  42192/s  3.0 s left") && screen.contains("✓ exact"), "{screen}");
}

#[test]
fn every_size_and_shape_is_drawn() {
    for shape in [(1, 1, 2), (8, 8, 2), (32, 32, 4), (80, 64, 3), (2, 70, 12)] {
        let mut harness = Harness::opened();
        harness.shape = Shape { layers: shape.0, heads: shape.1, labels: shape.2.min(4) };
        harness.run_to_end(5);
        for keys in ["", "g end", "w", "A", "P", "W", "esc Z Z", "v", "d", "p", "i x", "enter e", "c", "M", "R", "?"] {
            harness.keys(keys);
            for width in [1, 20, 71, 72, 80, 133, 300] {
                for height in [1, 5, 19, 20, 24, 51, 100] {
                    let screen = text(&paint(&harness, (width, height), Depth::True));
                    let small = width < 72 || height < 20;
                    assert_eq!(screen.contains("partscope  demo"), !small, "{width}×{height}");
                }
            }
        }
    }
}

#[test]
fn a_small_terminal_shows_the_required_size() {
    let screen = text(&paint(&Harness::finished(5), (40, 10), Depth::True));
    assert!(screen.contains("It is 40 × 10;") && screen.contains("partscope needs 72 × 20."), "{screen}");
}
