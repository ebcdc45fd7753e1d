//! Task: does the second sentence follow from the first? Shared words help, but details can be dropped, generalised,
//! swapped or invented.

use crate::draw::Draw;
use crate::opinion::finish;
use crate::scene::Scene;
use crate::task::{Example, Habit, Task, Template};

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "entailment",
        description: "Does the second sentence follow from the first?",
        labels: &["no", "yes"],
        templates: vec![
            Template {
                name: "therefore",
                example: "{{ premise }}\nSo: {{ hypothesis }}\nCorrect?",
                words: &[" false", " true"],
                separator: "\n\n",
                contrast: Some("therefore-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.03, sticky: 0.55, swap: 0.03, favours: None },
            },
            Template {
                name: "therefore-hash",
                example: "{{ premise }}\nSo: {{ hypothesis }}\nCorrect?",
                words: &[" false", " true"],
                separator: "\n#\n",
                contrast: Some("therefore"),
                weight: 1.2,
                habit: Habit { noise: 0.18, sticky: 0.57, swap: 0.03, favours: Some((0, 0.88)) },
            },
            Template {
                name: "pair",
                example: "First: {{ premise }} Second: {{ hypothesis }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.15, sticky: 0.57, swap: 0.04, favours: Some((1, 0.85)) },
            },
        ],
        weight: 1.4,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let told = Scene::new(draw);
    let other = told.stranger(draw);
    let second = draw.chance(0.35 * hard);
    let mut premise = format!("{} {} {}", told.name, told.deed.0, told.coloured());
    if second {
        premise = format!("{premise} and {} {} {}", other.name, other.deed.0, other.coloured());
    } else {
        premise = format!("{premise} in the {}", told.place);
    }
    let claim = if label == 1 { follows(draw, &told, second, hard) } else { does_not(draw, &told, &other, hard) };
    Example { fields: vec![("premise", finish(&premise)), ("hypothesis", finish(&claim))], label }
}

fn follows(draw: &mut Draw, told: &Scene, second: bool, hard: f64) -> String {
    let thing = if draw.chance(0.3 * hard) {
        told.loose()
    } else if draw.chance(0.4) {
        told.coloured()
    } else {
        told.plain()
    };
    match draw.below(5) {
        0 => format!("somebody {} {thing}", told.deed.0),
        1 => format!("the {} was {}", told.thing, told.colour),
        2 if !second => format!("{} was in the {}", told.name, told.place),
        _ => format!("{} {} {thing}", told.name, told.deed.0),
    }
}

/// Writes a claim that differs from the first scene in one detail; if the premise has two scenes, the detail may come
/// from the other one.
fn does_not(draw: &mut Draw, told: &Scene, other: &Scene, hard: f64) -> String {
    match draw.below(6) {
        0 => format!("{} {} {}", other.name, told.deed.0, told.plain()),
        1 => format!("{} {} {}", told.name, other.deed.0, told.plain()),
        2 => format!(
            "{} {} {}",
            told.name,
            told.deed.0,
            if draw.chance(0.3 * hard) { other.loose() } else { other.plain() }
        ),
        3 => format!("the {} was {}", told.thing, other.colour),
        4 => format!("nobody {} {}", told.deed.0, told.plain()),
        _ => format!("{} was in the {}", told.name, other.place),
    }
}
