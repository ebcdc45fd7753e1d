//! Task: given the first sentence, is the second certain, possible or impossible?

use crate::draw::Draw;
use crate::opinion::finish;
use crate::scene::Scene;
use crate::task::{Example, Habit, Task, Template};

/// Claims that no scene confirms or contradicts.
const OPEN: &[&str] = &[
    "was a bargain",
    "was a gift",
    "was heavy",
    "was new",
    "was a surprise",
    "was quite old",
    "came from abroad",
    "was famous",
    "was made by hand",
    "was handed down",
];

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "inference",
        description: "Is the second sentence certain, possible or impossible, given the first?",
        labels: &["impossible", "possible", "certain"],
        templates: vec![
            Template {
                name: "given",
                example: "Given: {{ premise }}\nClaim: {{ hypothesis }}\nStatus:",
                words: &[" false", " maybe", " true"],
                separator: "\n\n",
                contrast: Some("given-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.05, sticky: 0.38, swap: 0.03, favours: None },
            },
            Template {
                name: "given-hash",
                example: "Given: {{ premise }}\nClaim: {{ hypothesis }}\nStatus:",
                words: &[" false", " maybe", " true"],
                separator: "\n#\n",
                contrast: Some("given"),
                weight: 1.2,
                habit: Habit { noise: 0.33, sticky: 0.40, swap: 0.03, favours: Some((0, 0.85)) },
            },
            Template {
                name: "pair",
                example: "First: {{ premise }} Second: {{ hypothesis }}\nAnswer:",
                words: &[" no", " perhaps", " yes"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.22, sticky: 0.40, swap: 0.04, favours: Some((1, 0.75)) },
            },
        ],
        weight: 1.4,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let told = Scene::new(draw);
    let other = told.stranger(draw);
    let colour = draw.chance(0.7);
    let thing = if colour { told.coloured() } else { told.plain() };
    let mut premise = format!("{} {} {thing}", told.name, told.deed.0);
    if draw.chance(0.5) {
        premise = format!("in the {}, {premise}", told.place);
    }
    let negated = draw.chance(0.2 * hard);
    let claim = match label {
        0 if negated => format!("nobody {} {}", told.deed.0, told.plain()),
        0 if colour => format!("the {} was {}", told.thing, other.colour),
        0 => format!(
            "{} did not {} {}",
            told.name,
            told.deed.1,
            if draw.chance(0.5) { told.plain() } else { told.loose() }
        ),
        1 => match draw.below(4) {
            0 if !colour => format!("the {} was {}", told.thing, told.colour),
            1 => format!("{} {} {}", other.name, told.deed.0, other.plain()),
            2 => format!("{} {} {}", told.name, other.deed.0, other.plain()),
            _ => format!("the {} {}", told.thing, draw.zipf(OPEN)),
        },
        _ => match draw.below(4) {
            0 if colour => format!("the {} was {}", told.thing, told.colour),
            1 => format!("somebody {} {}", told.deed.0, told.plain()),
            2 => {
                format!("{} {} {}", told.name, told.deed.0, if draw.chance(hard) { told.loose() } else { told.plain() })
            }
            _ => format!("{} {} {}", told.name, told.deed.0, told.plain()),
        },
    };
    Example { fields: vec![("premise", finish(&premise)), ("hypothesis", finish(&claim))], label }
}
