//! Screens on fixed data, held against files that include every colour.
//!
//! After a change that is meant, `UPDATE_SCREENS=1 cargo test screens` writes the files anew; read the difference
//! before committing it.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, time::Duration};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    app::{
        Screen,
        state::{Cursor, Phase, Severity},
        tests::{fixture, harness::Harness},
        update::go_to,
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

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Screens whose pictures show more than what the key that opens them does, by the tests below.
const POSED: &[(Screen, &[&str])] = &[
    (Screen::Map, &["map", "mix", "ranking"]),
    (Screen::Mixer, &["desk"]),
    (Screen::Prompt, &["prompt"]),
    (Screen::Examples, &["examples"]),
    (Screen::Experiments, &["effects", "attention", "writes"]),
    (Screen::Compare, &["compare"]),
    (Screen::Matrix, &["matrix"]),
    (Screen::Runs, &["runs"]),
];

fn paint(bench: &Harness, (width, height): (u16, u16), depth: Depth) -> Buffer {
    let themes = Theme::built_in(depth).unwrap();
    let theme = &themes[bench.state.theme % themes.len()];
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&mut buf, DrawContext { state: &bench.state, theme, tick: 0 });
    buf
}

fn row_text(buf: &Buffer, row: u16) -> String {
    (0..buf.area.width).map(|x| buf[(x, row)].symbol()).collect()
}

fn text(buf: &Buffer) -> String {
    (0..buf.area.height).map(|row| row_text(buf, row) + "\n").collect()
}

/// The text, a letter per cell for its style, and what the letters mean.
fn dump(buf: &Buffer) -> String {
    let mut letters: BTreeMap<String, usize> = BTreeMap::new();
    let mut styles = String::new();
    for row in 0..buf.area.height {
        for x in 0..buf.area.width {
            let cell = &buf[(x, row)];
            let style = format!("{} on {} {:?}", name(cell.fg), name(cell.bg), cell.modifier);
            let next = letters.len();
            styles.push(letter(*letters.entry(style).or_insert(next)));
        }
        styles.push('\n');
    }
    let mut legend: Vec<_> = letters.into_iter().collect();
    legend.sort_by_key(|(_, index)| *index);
    let mut dump = format!("{}\n{styles}\n", text(buf));
    for (style, index) in legend {
        writeln!(dump, "{} {style}", letter(index)).unwrap();
    }
    dump
}

fn letter(index: usize) -> char {
    char::from_u32([0x21, 0x4e00][usize::from(index >= 94)] + index as u32 - [0, 94][usize::from(index >= 94)]).unwrap()
}

fn name(color: Color) -> String {
    match color {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        other => other.to_string(),
    }
}

fn check(name: &str, buf: &Buffer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
    let now = dump(buf);
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, now).unwrap();
        return;
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    let differs = before.lines().zip(now.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(before.lines().count().min(now.lines().count()));
    assert!(
        before == now,
        "{name} changed in line {}:\n- {}\n+ {}\nlook at it, then UPDATE_SCREENS=1 cargo test screens",
        line + 1,
        before.lines().nth(line).unwrap_or("(nothing)"),
        now.lines().nth(line).unwrap_or("(nothing)"),
    );
}

#[test]
fn every_screen_has_its_pictures_at_every_size() {
    let mut bench = Harness::finished(200);
    bench.keys("s");
    bench.run_to_end(200);
    for &screen in Screen::ALL {
        go_to(&mut bench.state, screen);
        assert_eq!(bench.state.screen, screen);
        let posed = POSED.iter().find(|(posed, _)| *posed == screen);
        for (width, height) in SIZES {
            let buf = paint(&bench, (width, height), Depth::True);
            let Some((_, names)) = posed else {
                check(&format!("{}-{width}x{height}", screen.name()), &buf);
                continue;
            };
            for name in *names {
                let path = format!("{}/tests/screens/{name}-{width}x{height}.txt", env!("CARGO_MANIFEST_DIR"));
                assert!(Path::new(&path).exists(), "{path}");
            }
        }
    }
}

#[test]
fn the_map_at_every_size_with_and_without_colours() {
    let mut bench = Harness::finished(200);
    bench.keys("l l k k");
    for size in SIZES {
        let (width, height) = size;
        check(&format!("map-{width}x{height}"), &paint(&bench, size, Depth::True));
        check(&format!("map-{width}x{height}-plain"), &paint(&bench, size, Depth::None));
    }
    check("map-80x24-256", &paint(&bench, (80, 24), Depth::Indexed));
    check("map-80x24-16", &paint(&bench, (80, 24), Depth::Ansi));
    bench.keys("ctrl-t");
    check("map-80x24-light", &paint(&bench, (80, 24), Depth::True));
}

#[test]
fn the_mix_at_every_size() {
    let mut bench = Harness::finished(200);
    bench.keys("w m a a a a");
    for size in SIZES {
        check(&format!("mix-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("mix-80x24-plain", &paint(&bench, (80, 24), Depth::None));
}

#[test]
fn the_mixing_desk_at_every_size() {
    let mut bench = Harness::finished(200);
    check("desk-empty-80x24", &paint(bench.keys("d"), (80, 24), Depth::True));
    bench.keys("w ] j V j V l h i j m");
    for size in SIZES {
        check(&format!("desk-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("desk-80x24-plain", &paint(&bench, (80, 24), Depth::None));
    check("save-mix-80x24", &paint(bench.keys("ctrl-s"), (80, 24), Depth::True));
    check("marks-80x24", &paint(bench.keys("esc d F"), (80, 24), Depth::True));
}

#[test]
fn the_prompt_at_every_size() {
    let mut bench = Harness::finished(200);
    check("prompt-fresh-80x24", &paint(bench.keys("p"), (80, 24), Depth::True));
    check("prompt-pool-80x24", &paint(bench.keys("enter f i l m down"), (80, 24), Depth::True));
    bench.keys("enter w j l J i n o t space b a d");
    for size in SIZES {
        check(&format!("prompt-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("prompt-80x24-plain", &paint(bench.keys("enter"), (80, 24), Depth::None));
    check("example-prompt-80x24", &paint(bench.keys("e enter"), (80, 24), Depth::True));
}

#[test]
fn all_runs_at_every_size() {
    let mut bench = Harness::finished(200);
    check("matrix-hint-80x24", &paint(bench.keys("M"), (80, 24), Depth::True));
    for keys in ["s", "s", "T"] {
        bench.keys(keys);
        bench.run_to_end(200);
    }
    for size in SIZES {
        check(&format!("matrix-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("matrix-80x24-plain", &paint(&bench, (80, 24), Depth::None));
    bench.keys("R s Q Q j j");
    bench.events(200)[..8].iter().cloned().for_each(|event| bench.run_event(event));
    for size in SIZES {
        check(&format!("runs-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("runs-80x24-plain", &paint(&bench, (80, 24), Depth::None));
}

#[test]
fn examples_and_comparison_at_every_size() {
    let mut bench = Harness::finished(200);
    bench.keys("w e f f j");
    for size in SIZES {
        check(&format!("examples-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("examples-80x24-plain", &paint(&bench, (80, 24), Depth::None));
    bench.keys("s");
    bench.run_to_end(200);
    bench.keys("c k k l J");
    for size in SIZES {
        check(&format!("compare-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("compare-80x24-plain", &paint(&bench, (80, 24), Depth::None));
    bench.keys("c v b j");
    for size in SIZES {
        check(&format!("ranking-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("detail-80x24", &paint(bench.keys("v C"), (80, 24), Depth::True));
}

#[test]
fn causes_at_every_size() {
    let mut bench = Harness::finished(200);
    bench.keys("g l l m");
    for (name, keys) in [("effects", "A"), ("attention", "P J"), ("writes", "W")] {
        bench.keys(keys);
        for size in SIZES {
            check(&format!("{name}-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
        }
        check(&format!("{name}-80x24-plain"), &paint(&bench, (80, 24), Depth::None));
    }
    check("sweep-price-80x24", &paint(bench.keys("esc Z"), (80, 24), Depth::True));
    bench.keys("Z");
    for size in SIZES {
        check(&format!("sweep-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
}

#[test]
fn what_lies_on_top() {
    let mut bench = Harness::finished(40);
    bench.keys(": m i x down");
    for size in SIZES {
        check(&format!("palette-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    check("search-80x24", &paint(bench.keys("esc / d u l l"), (80, 24), Depth::True));
    check("compare-hint-80x24", &paint(bench.keys("esc c"), (80, 24), Depth::True));
    let mut bench = Harness::finished(40);
    bench.keys("? j j");
    for size in SIZES {
        check(&format!("help-{}x{}", size.0, size.1), &paint(&bench, size, Depth::True));
    }
    let mut bench = Harness::opened();
    check("start-80x24", &paint(&bench, (80, 24), Depth::True));
    bench.run_event(Event::Failed(
        "no model is called `demmo`; there are: demo, and any folder with a model in it".to_owned(),
    ));
    check("failure-80x24", &paint(&bench, (80, 24), Depth::True));
}

#[test]
fn the_map_fills_as_batches_arrive() {
    let mut bench = Harness::opened();
    let events = bench.events(200);
    events[..6].iter().cloned().for_each(|event| bench.run_event(event));
    let half = paint(&bench, (80, 24), Depth::True);
    check("filling-80x24", &half);
    assert!(text(&half).contains("36/220  50/s  3.7 s left"), "{}", text(&half));
}

#[test]
fn a_cell_has_the_colour_and_the_digits_of_its_value() {
    let bench = Harness::finished(200);
    let theme = &Theme::built_in(Depth::True).unwrap()[0];
    for size in SIZES {
        let buf = paint(&bench, size, Depth::True);
        let layout = Layout::of(buf.area, &bench.state).unwrap();
        let grid = Grid::fit(map_cells(layout.map), fixture::SHAPE, Cursor::default());
        let run = bench.state.run().unwrap();
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
fn without_colours_nothing_is_coloured_and_the_kinds_still_show() {
    let mut bench = Harness::finished(200);
    for keys in ["", "w", "?"] {
        let buf = paint(bench.keys(keys), (80, 24), Depth::None);
        assert!(buf.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    }
    let buf = paint(Harness::finished(200).keys("w"), (80, 24), Depth::None);
    let screen = text(&buf);
    assert!(["▲", "▼", "■", "●"].iter().all(|glyph| screen.contains(glyph)));
    assert!(buf.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

#[test]
fn a_run_that_is_not_exact_says_so_loudly() {
    let mut bench = Harness::opened();
    let mut events = bench.events(40);
    if let Some(Event::Finished(meta)) = events.last_mut() {
        meta.exactness = Exactness { max_abs: 0.5, max_rel: 0.03, argmax_mismatches: 3 };
    }
    for event in events {
        bench.run_event(event);
    }
    let buf = paint(bench.keys("l"), (80, 24), Depth::None);
    let row = row_text(&buf, 22);
    assert!(row.contains("NOT EXACT: parts miss the logits by 3e-2"), "{row}");
    let at = row.chars().take_while(|&c| c != '✗').count() as u16;
    assert!(buf[(at, 22)].modifier.contains(Modifier::REVERSED | Modifier::BOLD));
}

#[test]
fn counts_states_and_notices_are_never_cut_off() {
    let mut bench = Harness::opened();
    bench.shape = Shape { layers: 80, heads: 64, labels: 4 };
    bench.run_to_end(200);
    bench.keys("g end m");
    for size in [(72, 20), (80, 24), (120, 40)] {
        let screen = text(&paint(&bench, size, Depth::True));
        for whole in ["n=200 ", "muted ", "× muted"] {
            assert!(screen.contains(whole) || screen.contains(&whole.replace("n=", "n = ")), "{whole}: {screen}");
        }
    }
    let long = "these weights were fitted for task another, not sentiment: fit this run, or open a run of that task";
    bench.state.notify(Severity::Bad, long);
    let screen = text(&paint(&bench, (80, 24), Depth::True));
    let said = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("these weights were fitted") && said.contains("open a run of that task"), "{screen}");
    let progress = Progress { done: 49_080, total: 194_400, rate: 42_192.0, left: Some(Duration::from_secs(3)) };
    bench.state.notice = None;
    bench.state.phase = Phase::Running(progress);
    let screen = text(&paint(&bench, (72, 20), Depth::True));
    assert!(screen.contains("49080/194400  42192/s  3.0 s left") && screen.contains("✓ exact"), "{screen}");
}

#[test]
fn no_size_and_no_shape_breaks_the_screen() {
    for shape in [(1, 1, 2), (8, 8, 2), (32, 32, 4), (80, 64, 3), (2, 70, 12)] {
        let mut bench = Harness::opened();
        bench.shape = Shape { layers: shape.0, heads: shape.1, labels: shape.2.min(4) };
        bench.run_to_end(5);
        for keys in ["", "g end", "w", "A", "P", "W", "esc Z Z", "v", "d", "p", "i x", "enter e", "c", "M", "R", "?"] {
            bench.keys(keys);
            for width in [1, 20, 71, 72, 80, 133, 300] {
                for height in [1, 5, 19, 20, 24, 51, 100] {
                    let screen = text(&paint(&bench, (width, height), Depth::True));
                    let small = width < 72 || height < 20;
                    assert_eq!(screen.contains("partscope  demo"), !small, "{width}×{height}");
                }
            }
        }
    }
}

#[test]
fn a_screen_that_is_too_small_says_how_large_it_has_to_be() {
    let screen = text(&paint(&Harness::finished(5), (40, 10), Depth::True));
    assert!(screen.contains("It is 40 × 10;") && screen.contains("partscope needs 72 × 20."), "{screen}");
}
