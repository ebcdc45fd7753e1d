//! Task: does a word mean the same in two sentences? Each word has two senses, and its context shows which one is
//! meant.

use crate::draw::Draw;
use crate::opinion::finish;
use crate::task::{Example, Habit, Task, Template};
use crate::words::TOPICS;

/// Ambiguous words, each with the topics (indices into [`TOPICS`]) of its two senses.
const WORDS: &[(&str, usize, usize)] = &[
    ("pitch", 0, 2),
    ("bar", 1, 2),
    ("coach", 0, 3),
    ("roll", 1, 2),
    ("jam", 1, 2),
    ("track", 0, 2),
    ("course", 1, 0),
    ("score", 0, 2),
    ("bass", 1, 2),
    ("port", 1, 3),
    ("punch", 0, 1),
    ("squash", 0, 1),
    ("stage", 2, 3),
    ("set", 0, 2),
    ("board", 0, 3),
    ("platform", 2, 3),
];

/// Sentence frames with places for the word, a person and a thing.
const FRAMES: &[&str] = &[
    "the {person} checked the {word}",
    "the {person} spoke of the {word}",
    "during the {thing} the {word} was perfect",
    "the {word} came before the {thing}",
    "the {person} liked the {word}",
    "the {word} spoilt the {thing}",
    "the {person} and the {word} fit the {thing}",
    "no {thing} without a {word}",
];

/// Returns the task with its templates.
pub(crate) fn task() -> Task {
    Task {
        name: "senses",
        description: "Does the word mean the same in both sentences?",
        labels: &["different", "same"],
        templates: vec![
            Template {
                name: "word",
                example: "{{ first }} {{ second }}\nThe word {{ word }} is",
                words: &[" different", " same"],
                separator: "\n\n",
                contrast: Some("word-hash"),
                weight: 1.0,
                habit: Habit { noise: 0.03, sticky: 0.55, swap: 0.03, favours: None },
            },
            Template {
                name: "word-hash",
                example: "{{ first }} {{ second }}\nThe word {{ word }} is",
                words: &[" different", " same"],
                separator: "\n#\n",
                contrast: Some("word"),
                weight: 1.2,
                habit: Habit { noise: 0.25, sticky: 0.57, swap: 0.03, favours: Some((0, 0.88)) },
            },
            Template {
                name: "pair",
                example: "First: {{ first }} Second: {{ second }}\nAnswer:",
                words: &[" no", " yes"],
                separator: "\n\n",
                contrast: None,
                weight: 0.8,
                habit: Habit { noise: 0.22, sticky: 0.57, swap: 0.04, favours: Some((1, 0.87)) },
            },
        ],
        weight: 1.2,
        make,
    }
}

fn make(draw: &mut Draw, label: usize, hard: f64) -> Example {
    let (word, one, two) = *draw.pick(WORDS);
    let (first, other) = if draw.chance(0.5) { (one, two) } else { (two, one) };
    let second = if label == 1 { first } else { other };
    let company = company(draw, first);
    let again = if label == 1 && draw.chance(0.8 - 0.5 * hard) { company } else { self::company(draw, second) };
    let texts = (sentence(draw, word, company), sentence(draw, word, again));
    Example { fields: vec![("word", word.to_string()), ("first", texts.0), ("second", texts.1)], label }
}

/// Draws a person and a thing of a topic.
fn company(draw: &mut Draw, topic: usize) -> (&'static str, &'static str) {
    (draw.zipf(TOPICS[topic].people), draw.zipf(TOPICS[topic].things))
}

fn sentence(draw: &mut Draw, word: &str, (person, thing): (&str, &str)) -> String {
    finish(&draw.pick(FRAMES).replace("{word}", word).replace("{person}", person).replace("{thing}", thing))
}
