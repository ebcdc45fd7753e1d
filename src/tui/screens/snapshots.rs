//! Screens on fixed data, compared with files that include every colour.
//!
//! After an intended change, `UPDATE_SCREENS=1 cargo test screens` rewrites the files; read the diff before committing
//! it.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use ratatui::{buffer::Buffer, style::Color};

use crate::{
    app::{Screen, tests::harness::Harness, update::go_to},
    runner::Event,
    tui::color::Depth,
};

use super::{SIZES, paint, text};

/// Names of the snapshots of each screen that has its own test below.
const NAMED: &[(Screen, &[&str])] = &[
    (Screen::Map, &["map", "mix", "ranking"]),
    (Screen::Mixer, &["mixer"]),
    (Screen::Prompt, &["prompt"]),
    (Screen::Examples, &["examples"]),
    (Screen::Experiments, &["effects", "attention", "logit-lens", "lens-by-layer"]),
    (Screen::Compare, &["compare"]),
    (Screen::Matrix, &["matrix"]),
    (Screen::Runs, &["runs"]),
];

/// Returns the text, a letter per cell for its style, and the styles of the letters.
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
fn every_screen_has_snapshots_at_every_size() {
    let mut harness = Harness::finished(200);
    harness.keys("s");
    harness.run_to_end(200);
    for &screen in Screen::ALL {
        go_to(&mut harness.state, screen);
        assert_eq!(harness.state.screen, screen);
        let named = NAMED.iter().find(|(named, _)| *named == screen);
        for (width, height) in SIZES {
            let buf = paint(&harness, (width, height), Depth::True);
            let Some((_, names)) = named else {
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
    let mut harness = Harness::finished(200);
    harness.keys("l l k k");
    for size in SIZES {
        let (width, height) = size;
        check(&format!("map-{width}x{height}"), &paint(&harness, size, Depth::True));
        check(&format!("map-{width}x{height}-plain"), &paint(&harness, size, Depth::None));
    }
    check("map-80x24-256", &paint(&harness, (80, 24), Depth::Indexed));
    check("map-80x24-16", &paint(&harness, (80, 24), Depth::Ansi));
    harness.keys("ctrl-t");
    check("map-80x24-light", &paint(&harness, (80, 24), Depth::True));
}

#[test]
fn the_mix_at_every_size() {
    let mut harness = Harness::finished(200);
    harness.keys("w m a a a a");
    for size in SIZES {
        check(&format!("mix-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("mix-80x24-plain", &paint(&harness, (80, 24), Depth::None));
}

#[test]
fn the_mixer_at_every_size() {
    let mut harness = Harness::finished(200);
    check("mixer-empty-80x24", &paint(harness.keys("d"), (80, 24), Depth::True));
    harness.keys("w ] j V j V l h i j m");
    for size in SIZES {
        check(&format!("mixer-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("mixer-80x24-plain", &paint(&harness, (80, 24), Depth::None));
    check("save-mix-80x24", &paint(harness.keys("ctrl-s"), (80, 24), Depth::True));
    check("marks-80x24", &paint(harness.keys("esc d F"), (80, 24), Depth::True));
}

#[test]
fn the_prompt_at_every_size() {
    let mut harness = Harness::finished(200);
    check("prompt-fresh-80x24", &paint(harness.keys("p"), (80, 24), Depth::True));
    check("prompt-pool-80x24", &paint(harness.keys("enter f i l m down"), (80, 24), Depth::True));
    harness.keys("enter w j l J i n o t space b a d");
    for size in SIZES {
        check(&format!("prompt-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("prompt-80x24-plain", &paint(harness.keys("enter"), (80, 24), Depth::None));
    check("example-prompt-80x24", &paint(harness.keys("e enter"), (80, 24), Depth::True));
}

#[test]
fn all_runs_at_every_size() {
    let mut harness = Harness::finished(200);
    check("matrix-hint-80x24", &paint(harness.keys("M"), (80, 24), Depth::True));
    for keys in ["s", "s", "T"] {
        harness.keys(keys);
        harness.run_to_end(200);
    }
    for size in SIZES {
        check(&format!("matrix-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("matrix-80x24-plain", &paint(&harness, (80, 24), Depth::None));
    harness.keys("R s Q Q j j");
    harness.events(200)[..8].iter().cloned().for_each(|event| harness.run_event(event));
    for size in SIZES {
        check(&format!("runs-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("runs-80x24-plain", &paint(&harness, (80, 24), Depth::None));
}

#[test]
fn examples_and_comparison_at_every_size() {
    let mut harness = Harness::finished(200);
    harness.keys("w e f f j");
    for size in SIZES {
        check(&format!("examples-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("examples-80x24-plain", &paint(&harness, (80, 24), Depth::None));
    harness.keys("s");
    harness.run_to_end(200);
    harness.keys("c k k l J");
    for size in SIZES {
        check(&format!("compare-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("compare-80x24-plain", &paint(&harness, (80, 24), Depth::None));
    harness.keys("c v b j");
    for size in SIZES {
        check(&format!("ranking-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("detail-80x24", &paint(harness.keys("v C"), (80, 24), Depth::True));
}

#[test]
fn experiments_at_every_size() {
    let mut harness = Harness::finished(200);
    harness.keys("g l l m");
    for (name, keys) in [("effects", "A"), ("attention", "P J"), ("logit-lens", "W"), ("lens-by-layer", "ctrl-l")] {
        harness.keys(keys);
        for size in SIZES {
            check(&format!("{name}-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
        }
        check(&format!("{name}-80x24-plain"), &paint(&harness, (80, 24), Depth::None));
    }
    check("sweep-price-80x24", &paint(harness.keys("esc Z"), (80, 24), Depth::True));
    harness.keys("Z");
    for size in SIZES {
        check(&format!("sweep-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
}

#[test]
fn popups_and_input_lines() {
    let mut harness = Harness::finished(40);
    harness.keys(": m i x down");
    for size in SIZES {
        check(&format!("palette-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    check("search-80x24", &paint(harness.keys("esc / d u l l"), (80, 24), Depth::True));
    check("compare-hint-80x24", &paint(harness.keys("esc c"), (80, 24), Depth::True));
    let mut harness = Harness::finished(40);
    harness.keys("? j j");
    for size in SIZES {
        check(&format!("help-{}x{}", size.0, size.1), &paint(&harness, size, Depth::True));
    }
    let mut harness = Harness::opened();
    check("start-80x24", &paint(&harness, (80, 24), Depth::True));
    harness.run_event(Event::Failed(
        "no model is called `demmo`; there are: demo, and any folder with a model in it".to_owned(),
    ));
    check("failure-80x24", &paint(&harness, (80, 24), Depth::True));
}

#[test]
fn the_map_fills_as_batches_arrive() {
    let mut harness = Harness::opened();
    let events = harness.events(200);
    events[..6].iter().cloned().for_each(|event| harness.run_event(event));
    let half = paint(&harness, (80, 24), Depth::True);
    check("filling-80x24", &half);
    assert!(text(&half).contains("36/220  50/s  3.7 s left"), "{}", text(&half));
}
