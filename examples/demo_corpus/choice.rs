//! Four things to choose from. Which is of the kind asked for, or which is not?

use crate::draw::Draw;
use crate::scene::KINDS;
use crate::task::{Example, Habit, Task, Template};

/// The task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "choice",
        description: "Which of four things is of the kind asked for, or does not belong?",
        labels: &["A", "B", "C", "D"],
        templates: vec![
            Template {
                name: "options",
                example: "{{ question }}\n{{ options }}\nAnswer:",
                words: &[" A", " B", " C", " D"],
                separator: "\n\n",
                contrast: Some("options-line"),
                weight: 1.0,
                habit: Habit { noise: 0.05, sticky: 0.28, swap: 0.00, first: None },
            },
            Template {
                name: "options-line",
                example: "{{ question }}\n{{ options }}\nAnswer:",
                words: &[" A", " B", " C", " D"],
                separator: "\n",
                contrast: Some("options"),
                weight: 0.6,
                habit: Habit { noise: 0.42, sticky: 0.60, swap: 0.00, first: Some(0.45) },
            },
            Template {
                name: "quiz",
                example: "Quiz: {{ question }} {{ options }} It is",
                words: &[" A", " B", " C", " D"],
                separator: "\n",
                contrast: None,
                weight: 0.6,
                habit: Habit { noise: 0.30, sticky: 0.50, swap: 0.00, first: None },
            },
        ],
        weight: 1.2,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let mut kinds: Vec<usize> = (0..KINDS.len()).collect();
    draw.shuffle(&mut kinds);
    let asked = kinds[0];
    let stranger = draw.chance(0.25 * hard);
    let mut things: Vec<&str> = Vec::new();
    for place in 0..4 {
        let kind = match (stranger, place == label) {
            (true, true) => kinds[1],
            (true, false) | (false, true) => asked,
            (false, false) => kinds[1 + place],
        };
        loop {
            let thing = draw.zipf(KINDS[kind].1);
            if !things.contains(&thing) {
                things.push(thing);
                break;
            }
        }
    }
    let kind = crate::scene::with_article(KINDS[asked].0);
    let question = if stranger {
        format!("Which is not {kind}?")
    } else if draw.chance(0.9 - 0.65 * hard) {
        format!("Where is the {}?", things[label])
    } else {
        draw.pick(&["Which one is {}?", "Find {}.", "Which of these is {}?"]).replace("{}", &kind)
    };
    let options = format!("A: {} B: {} C: {} D: {}", things[0], things[1], things[2], things[3]);
    Example { fields: vec![("question", question), ("options", options)], label }
}
