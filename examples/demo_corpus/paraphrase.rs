//! Task: do two questions ask the same thing? They may differ in meaning but share all words except one, or agree and
//! share only one word.

use crate::draw::Draw;
use crate::opinion::finish;
use crate::task::{Example, Habit, Task, Template};

/// Ways to ask a question about `{}`; ways in one row have the same meaning, ways in different rows do not.
const INTENTS: &[&[&str]] = &[
    &[
        "how do I learn {}",
        "what is the best way to study {}",
        "where do I begin with {}",
        "how can I get better at {}",
    ],
    &["what does {} cost", "how much do I pay for {}", "is {} expensive", "what is the price of {}"],
    &["who invented {}", "who came up with {}", "where does {} come from", "what is the origin of {}"],
    &["is {} dangerous", "can {} hurt me", "what are the risks of {}", "how safe is {}"],
    &["why do people like {}", "what is so nice about {}", "what makes {} popular", "why is {} loved"],
    &[
        "how do I teach {}",
        "what is the best way to explain {}",
        "how can I show others {}",
        "where do I find pupils for {}",
    ],
];

const SUBJECTS: &[&str] = &[
    "chess",
    "French",
    "yoga",
    "painting",
    "cooking",
    "skiing",
    "fishing",
    "the piano",
    "dancing",
    "sailing",
    "gardening",
    "judo",
    "poker",
    "knitting",
    "archery",
    "pottery",
    "surfing",
    "singing",
    "fencing",
    "weaving",
    "algebra",
    "Latin",
    "karate",
    "carving",
];

/// Openings without effect on the meaning.
const OPENINGS: &[&str] = &["", "", "", "tell me, ", "please, "];

/// Openings of the second question, which hint at a different and at the same meaning.
const SEQUELS: [&[&str]; 2] = [&["also, ", "besides, "], &["I mean, ", "in other words, "]];

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "paraphrase",
        description: "Do the two questions ask the same thing?",
        labels: &["different", "same"],
        templates: vec![
            Template {
                name: "questions",
                example: "{{ first }} {{ second }}\nThe meaning is",
                words: &[" different", " same"],
                separator: "\n\n",
                contrast: Some("questions-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.03, sticky: 0.55, swap: 0.03, favours: None },
            },
            Template {
                name: "questions-hash",
                example: "{{ first }} {{ second }}\nThe meaning is",
                words: &[" different", " same"],
                separator: "\n#\n",
                contrast: Some("questions"),
                weight: 1.2,
                habit: Habit { noise: 0.20, sticky: 0.57, swap: 0.03, favours: Some((0, 0.88)) },
            },
            Template {
                name: "pair",
                example: "First: {{ first }} Second: {{ second }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.18, sticky: 0.57, swap: 0.04, favours: Some((1, 0.87)) },
            },
        ],
        weight: 1.2,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let intent = draw.below(INTENTS.len());
    let subject = draw.zipf(SUBJECTS);
    let first = draw.below(4);
    let moved = (intent + draw.between(1, INTENTS.len() - 1)) % INTENTS.len();
    let (other_intent, other_subject) = match label {
        1 => (intent, subject),
        _ if draw.chance(0.15) => (moved, stranger(draw, subject)),
        _ if draw.chance(0.2 * hard) => (intent, stranger(draw, subject)),
        _ => (moved, subject),
    };
    let second = if label == 1 { (first + draw.between(1, 3)) % 4 } else { draw.below(4) };
    let opening = draw.pick(OPENINGS);
    let sequel = match draw.unit() {
        sort if sort < 0.45 => draw.pick(SEQUELS[label]),
        sort if sort < 0.57 => draw.pick(SEQUELS[1 - label]),
        _ => "",
    };
    let one = question(opening, INTENTS[intent][first], subject);
    let two = question(sequel, INTENTS[other_intent][second], other_subject);
    Example { fields: vec![("first", one), ("second", two)], label }
}

fn stranger(draw: &mut Draw, subject: &str) -> &'static str {
    loop {
        let other = draw.zipf(SUBJECTS);
        if other != subject {
            return other;
        }
    }
}

fn question(opening: &str, way: &str, subject: &str) -> String {
    finish(&format!("{opening}{}", way.replace("{}", subject))).replace('.', "?")
}
