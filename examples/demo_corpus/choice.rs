//! Task: find the best or the worst of four things. One differs from the three others in quality.

use crate::draw::Draw;
use crate::opinion::article;
use crate::task::{Example, Habit, Task, Template};
use crate::words::{BLAME, PRAISE, TOPICS};

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "choice",
        description: "Which of four things is the best, or the worst?",
        labels: &["A", "B", "C", "D"],
        templates: vec![
            Template {
                name: "options",
                example: "{{ options }}\nThe {{ asked }} is",
                words: &[" A", " B", " C", " D"],
                separator: "\n\n",
                contrast: Some("options-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.03, sticky: 0.26, swap: 0.00, favours: None },
            },
            Template {
                name: "options-hash",
                example: "{{ options }}\nThe {{ asked }} is",
                words: &[" A", " B", " C", " D"],
                separator: "\n#\n",
                contrast: Some("options"),
                weight: 1.2,
                habit: Habit { noise: 0.40, sticky: 0.30, swap: 0.00, favours: Some((0, 0.80)) },
            },
            Template {
                name: "quiz",
                example: "Quiz: {{ options }} Which is {{ asked }}? Answer:",
                words: &[" A", " B", " C", " D"],
                separator: "\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.33, sticky: 0.30, swap: 0.00, favours: Some((2, 0.75)) },
            },
        ],
        weight: 1.2,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let best = draw.chance(0.75);
    let four: Vec<String> = (0..4).map(|place| described(draw, best == (place == label), hard)).collect();
    let options = format!("A: {} B: {} C: {} D: {}.", four[0], four[1], four[2], four[3]);
    Example { fields: vec![("options", options), ("asked", if best { "best" } else { "worst" }.to_string())], label }
}

/// Describes a thing: `a superb dinner`, or `no dull dinner`.
fn described(draw: &mut Draw, happy: bool, hard: f64) -> String {
    let topic = draw.below(TOPICS.len());
    let thing = draw.zipf(TOPICS[topic].things);
    let denied = draw.chance(0.15 * hard);
    let word = draw.zipf(if happy == denied { BLAME } else { PRAISE });
    if denied { format!("no {word} {thing}") } else { format!("{} {word} {thing}", article(word)) }
}
