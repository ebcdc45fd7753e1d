//! Walks the tour of the README on a pseudo-terminal, key by key.

use crate::pty::Session;

/// The steps of the tour: keys as the README writes them, and what the screen then shows.
const STEPS: [&[(&str, &str)]; 5] = [
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

fn bytes(key: &str) -> String {
    match key {
        "tab" => "\t".to_owned(),
        "space" => " ".to_owned(),
        "esc" => "\x1b".to_owned(),
        "enter" => "\r".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns the texts in backquotes of each step of the README's tour.
fn quoted() -> Vec<Vec<&'static str>> {
    let readme = include_str!("../../README.md");
    let tour = readme.split("## The five-minute tour").nth(1).unwrap().split("![Two templates").next().unwrap();
    let steps = (1..=5).map(|step| {
        let from = tour.split(&format!("\n{step}. ")).nth(1).unwrap();
        from.split(&format!("\n{}. ", step + 1)).next().unwrap().split('`').skip(1).step_by(2).collect()
    });
    steps.collect()
}

#[test]
fn the_readme_names_every_key_of_the_tour_in_order() {
    for (step, (walked, written)) in STEPS.iter().zip(quoted()).enumerate() {
        let mut written = written.into_iter();
        let mut before = "";
        for (key, _) in walked.iter().filter(|(key, _)| !key.is_empty()) {
            assert!(
                *key == before || written.any(|text| text == *key),
                "step {} of the README lacks `{key}`",
                step + 1
            );
            before = key;
        }
    }
}

#[test]
fn the_tour_is_true() {
    let mut session = Session::start("", 120, 40);
    session.see("done in");
    for step in STEPS {
        for (key, shown) in step {
            session.press(&bytes(key));
            session.see(shown);
        }
    }
    session.press("q");
    session.see("q again quits");
    session.press("q");
    session.ends_with(0);
}
