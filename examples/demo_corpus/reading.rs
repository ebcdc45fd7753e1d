//! Task: yes/no questions about the topic of a short text and its writer's opinion. A text can be asked about either,
//! and each question occurs with both answers.

use crate::draw::Draw;
use crate::opinion;
use crate::task::{Example, Habit, Task, Template};

/// Questions whose answer is yes for a displeased writer, and those for a pleased one.
const VERDICTS: [&[&str]; 2] = [
    &["Is the writer disappointed?", "Did it go badly?", "Is this a complaint?"],
    &["Is the writer pleased?", "Did it go well?", "Is this praise?"],
];

/// Questions about the topic, in the order of the topics.
const SUBJECTS: [&[&str]; 4] = [
    &["Is this about sports?", "Does it concern athletes?"],
    &["Is this about food?", "Does it concern eating?"],
    &["Is this about music?", "Does it concern musicians?"],
    &["Is this about travel?", "Does it concern a journey?"],
];

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "reading",
        description: "Answer a yes/no question about a short text.",
        labels: &["no", "yes"],
        templates: vec![
            Template {
                name: "passage",
                example: "Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n\n",
                contrast: Some("passage-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.03, sticky: 0.55, swap: 0.03, favours: None },
            },
            Template {
                name: "passage-hash",
                example: "Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n#\n",
                contrast: Some("passage"),
                weight: 1.2,
                habit: Habit { noise: 0.18, sticky: 0.57, swap: 0.03, favours: Some((0, 0.88)) },
            },
            Template {
                name: "reply",
                example: "{{ passage }} {{ question }}\nReply:",
                words: &[" no", " yes"],
                separator: "\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.18, sticky: 0.57, swap: 0.04, favours: Some((1, 0.87)) },
            },
        ],
        weight: 1.4,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let (topic, happy) = (draw.below(4), draw.chance(0.5));
    let passage = opinion::sentence(draw, topic, happy, hard);
    let question = question(draw, topic, happy, label == 1);
    Example { fields: vec![("passage", passage), ("question", question.to_string())], label }
}

/// Draws a question whose answer is yes if `yes`, else no. Some are more frequent than others: with equal frequencies,
/// the model stayed at chance for millions of tokens, since no part of the answer could be learnt before the rest.
pub(crate) fn question(draw: &mut Draw, topic: usize, happy: bool, yes: bool) -> &'static str {
    let praised = happy == yes;
    if draw.chance(if praised { 0.8 } else { 0.35 }) {
        let ways = VERDICTS[usize::from(praised)];
        return ways[draw.below(ways.len())];
    }
    let asked = match (yes, topic) {
        (true, _) => topic,
        (false, 1) => *draw.pick(&[0, 2, 3]),
        (false, _) if draw.chance(0.7) => 1,
        (false, _) => (topic + draw.between(1, 3)) % 4,
    };
    let ways = SUBJECTS[asked];
    ways[draw.below(ways.len())]
}
