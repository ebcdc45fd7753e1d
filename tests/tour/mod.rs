//! Walks the tours of the README and of docs/real-models.md on a pseudo-terminal, key by key.

use crate::pty::Session;

/// A tour: for every step, keys as the page writes them, and what the screen then shows.
type Tour = &'static [&'static [(&'static str, &'static str)]];

/// The tour of the README, on the demo.
const DEMO: Tour = &[
    &[
        ("", "model      43.0"),
        ("b", "L2.H7 ─"),
        ("B", "L7.MLP ─"),
        ("1", "▲ good"),
        ("2", "▼ bad"),
        ("3", "label-biased"),
    ],
    &[
        ("tab", "done in"),
        ("tab", "model     100.0"),
        ("c", "what moved all flips"),
        ("N", "compare with"),
        ("article-hash", "article-hash"),
        ("enter", "A article-hash"),
        ("", "342 of 600"),
        ("", "L6.H2"),
        ("v", "ranked by |B − A|"),
        ("v", "B against A"),
        ("v", "B − A, accuracy"),
        ("esc", "examples all 600"),
    ],
    &[
        ("tab", "model      43.0"),
        ("w", "342 fixed, 0 broken"),
        ("", "mix       100.0"),
        ("space", "○ off"),
        ("space", "● on"),
        ("e", "nats text"),
        ("f", "examples wrong"),
        ("f", "examples flipped 342"),
        ("f", "examples all 600"),
        ("esc", "layers × 8 heads"),
    ],
    &[
        ("X", "no mix yet"),
        (":", "actions, components"),
        ("L6.H2", "component"),
        ("enter", "L6.H2 ─"),
        ("m", "mix        62.7"),
        ("P", "strongest tokens"),
        ("P", "layers × 8 heads"),
        ("u", "undone: mute of L6.H2"),
    ],
    &[
        (":", "actions, components"),
        ("L0.H3", "component"),
        ("enter", "L0.H3 ─"),
        ("m", "mix        43.7"),
        (".", "all positions"),
        ("A", "components that reacted"),
        ("", "-7.5"),
        ("Z", "Z again starts the sweep"),
        ("esc", "L0.H3 ─"),
    ],
];

/// The tour of docs/real-models.md, on Gemma 3 270M and the reviews that tools/real_models.py chooses.
const GEMMA: Tour = &[
    &[("", "model      51.0"), ("b", "L10.H0 ─"), ("", "78.0 %"), ("B", "L11.H3 ─"), ("", "▲ 10 good  ▼ 2 bad")],
    &[("w", "92 fixed, 13 broken"), ("", "mix        90.5"), ("d", "67.0"), ("", "87.5"), ("esc", "layers × 4 heads")],
    &[
        ("s", "model      81.0"),
        ("", "done in"),
        ("c", "4 differ"),
        ("", "for 99 %, B for 39 %"),
        ("", "120 of 200: 90"),
    ],
    &[
        ("", "+0.65 [+0.63, +0.67]"),
        ("v", "ranked by |B − A|"),
        ("", "+32.5"),
        ("v", "B against A"),
        ("v", "B − A, accuracy"),
    ],
    &[("I", "51.0 %"), ("u", "undone")],
    &[
        (":", "actions, components"),
        ("L11.H2", "component"),
        ("enter", "B − A, accuracy"),
        ("esc", "L11.H2 ─"),
        ("m", "mix        69.5"),
        (".", "all positions"),
        ("A", "components that reacted"),
        ("", "-5.5"),
    ],
];

fn bytes(key: &str) -> String {
    match key {
        "tab" => "\t".to_owned(),
        "space" => " ".to_owned(),
        "esc" => "\x1b".to_owned(),
        "enter" => "\r".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns the texts in backquotes of each of the `count` numbered steps between two lines of a page.
fn quoted(page: &'static str, (from, until): (&str, &str), count: usize) -> Vec<Vec<&'static str>> {
    let tour = page.split(from).nth(1).unwrap().split(until).next().unwrap();
    let steps = (1..=count).map(|step| {
        let from = tour.split(&format!("\n{step}. ")).nth(1).unwrap();
        from.split(&format!("\n{}. ", step + 1)).next().unwrap().split('`').skip(1).step_by(2).collect()
    });
    steps.collect()
}

/// Checks that a page names every key of its tour, in order.
fn check_page(tour: Tour, page: &'static str, between: (&str, &str)) {
    for (step, (walked, written)) in tour.iter().zip(quoted(page, between, tour.len())).enumerate() {
        let mut written = written.into_iter();
        let mut before = "";
        for (key, _) in walked.iter().filter(|(key, _)| !key.is_empty()) {
            assert!(*key == before || written.any(|text| text == *key), "step {} of the page lacks `{key}`", step + 1);
            before = key;
        }
    }
}

fn walk(mut session: Session, tour: Tour) {
    session.see("done in");
    for (key, shown) in tour.iter().copied().flatten() {
        session.press(&bytes(key));
        session.see(shown);
    }
    session.press("q");
    session.see("is in no file");
    session.press("q");
    session.ends_with(0);
}

#[test]
fn the_pages_name_every_key_of_their_tours_in_order() {
    check_page(DEMO, include_str!("../../README.md"), ("## The five-minute tour", "![Two templates"));
    check_page(GEMMA, include_str!("../../docs/real-models.md"), ("## A tour", "## Accuracy by method"));
}

#[test]
fn the_tour_is_true() {
    walk(Session::start("", 120, 40), DEMO);
}

/// `PARTSCOPE_GEMMA='-m gemma.gguf --task out/sst2/task.toml' cargo test --test explorer_pty -- --ignored gemma`, with
/// absolute paths of files that docs/real-models.md says how to get.
#[test]
#[ignore = "needs Gemma 3 270M and SST-2"]
fn the_tour_on_gemma_is_true() {
    let model = std::env::var("PARTSCOPE_GEMMA").expect("PARTSCOPE_GEMMA has the model and the task");
    walk(Session::start(&format!("explore {model}"), 120, 40), GEMMA);
}
