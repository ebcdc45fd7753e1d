//! Task: is the opinion in a sentence positive or negative?

use crate::draw::Draw;
use crate::opinion;
use crate::task::{Example, Habit, Task, Template};

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "sentiment",
        description: "Is the writer pleased or not? The last word counts, not the first.",
        labels: &["negative", "positive"],
        templates: vec![
            Template {
                name: "review",
                example: "Review: {{ text }}\nSentiment:",
                words: &[" negative", " positive"],
                separator: "\n\n",
                contrast: Some("review-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.05, sticky: 0.55, swap: 0.08, favours: None },
            },
            Template {
                name: "review-hash",
                example: "Review: {{ text }}\nSentiment:",
                words: &[" negative", " positive"],
                separator: "\n#\n",
                contrast: Some("review"),
                weight: 1.2,
                habit: Habit { noise: 0.25, sticky: 0.57, swap: 0.04, favours: Some((0, 0.90)) },
            },
            Template {
                name: "shared",
                example: "Input: {{ text }}\nOutput:",
                words: &[" A", " B"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.18, sticky: 0.55, swap: 0.12, favours: Some((1, 0.80)) },
            },
        ],
        weight: 1.5,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let topic = draw.below(4);
    Example { fields: vec![("text", opinion::sentence(draw, topic, label == 1, hard))], label }
}
