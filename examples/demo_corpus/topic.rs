//! Task: what is the topic of a sentence, regardless of the opinion?

use crate::draw::Draw;
use crate::opinion;
use crate::task::{Example, Habit, Task, Template};

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "topic",
        description: "What is judged: sports, food, music or travel? Words of another topic stand in the way.",
        labels: &["sports", "food", "music", "travel"],
        templates: vec![
            Template {
                name: "article",
                example: "Article: {{ text }}\nTopic:",
                words: &[" sports", " food", " music", " travel"],
                separator: "\n\n",
                contrast: Some("article-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.06, sticky: 0.30, swap: 0.08, favours: None },
            },
            Template {
                name: "article-hash",
                example: "Article: {{ text }}\nTopic:",
                words: &[" sports", " food", " music", " travel"],
                separator: "\n#\n",
                contrast: Some("article"),
                weight: 1.2,
                habit: Habit { noise: 0.46, sticky: 0.34, swap: 0.04, favours: Some((0, 0.85)) },
            },
            Template {
                name: "shared",
                example: "Input: {{ text }}\nOutput:",
                words: &[" A", " B", " C", " D"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.42, sticky: 0.34, swap: 0.12, favours: Some((2, 0.82)) },
            },
        ],
        weight: 1.0,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let happy = draw.chance(0.5);
    Example { fields: vec![("text", opinion::sentence(draw, label, happy, hard))], label }
}
