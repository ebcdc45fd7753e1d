//! Sentences that express an opinion. They are evidence for sentiment and topic at once, so only the prompt shows which
//! of the two is wanted. Main clauses overrule conceded ones, negations reverse words, and words of other topics
//! distract.

use crate::draw::Draw;
use crate::words::{ASIDES, BLAME, DEGREES, DISLIKED, FAILURES, JUDGES, LIKED, PRAISE, TOPICS, TRIUMPHS};

/// Writes one sentence about `topic`, positive if `happy`.
pub(crate) fn sentence(draw: &mut Draw, topic: usize, happy: bool, hard: f64) -> String {
    let stray = draw.chance(0.3 * hard);
    let other = if stray { (topic + draw.between(1, 3)) % 4 } else { topic };
    let gentle = !draw.chance(0.25 + 0.75 * hard);
    let plain = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let mixed = [0.30, 0.16, 0.16, 0.12, 0.10, 0.10, 0.06];
    let body = match draw.weighted(if gentle { &plain } else { &mixed }) {
        0 if stray => format!("after the {}, {}", thing(draw, other), clause(draw, topic, happy)),
        0 => clause(draw, topic, happy),
        1 => format!("although {}, {}", clause(draw, other, !happy), clause(draw, topic, happy)),
        2 => format!("{}, but {}", clause(draw, other, !happy), clause(draw, topic, happy)),
        3 => format!("{} and {}", clause(draw, topic, happy), clause(draw, topic, happy)),
        4 => format!("{}, even if {}", clause(draw, topic, happy), clause(draw, other, !happy)),
        5 if stray => format!("{}, unlike the {}", clause(draw, topic, happy), thing(draw, other)),
        5 => format!("{} {}", clause(draw, topic, happy), draw.zipf(ASIDES)),
        _ => {
            let expected = adjective(draw, !happy);
            let what = thing(draw, other);
            format!("{} {} {what} was expected, yet {}", article(expected), expected, clause(draw, topic, happy))
        }
    };
    finish(&body)
}

/// Writes one clause: a subject and a verdict, which may be the negation of its opposite.
fn clause(draw: &mut Draw, topic: usize, happy: bool) -> String {
    match draw.weighted(&[0.26, 0.14, 0.16, 0.16, 0.10, 0.08, 0.10]) {
        0 => format!("the {} was {}", thing(draw, topic), adjective(draw, happy)),
        1 => format!("the {} was {} {}", thing(draw, topic), draw.zipf(DEGREES), adjective(draw, happy)),
        2 => {
            let denial = *draw.pick(&["was not", "was hardly", "was never", "was far from"]);
            format!("the {} {denial} {}", thing(draw, topic), adjective(draw, !happy))
        }
        3 => {
            let deed = draw.zipf(if happy { TRIUMPHS } else { FAILURES });
            format!("the {} {deed}", person(draw, topic))
        }
        4 => {
            let verb = draw.zipf(if happy { LIKED } else { DISLIKED });
            format!("{} {verb} the {}", draw.zipf(JUDGES), thing(draw, topic))
        }
        5 => {
            let verb = draw.zipf(if happy { DISLIKED } else { LIKED });
            format!("nobody {verb} the {}", thing(draw, topic))
        }
        _ => {
            let verdict = adjective(draw, happy);
            let giver = person(draw, topic);
            format!("the {giver} gave us {} {verdict} {}", article(verdict), thing(draw, topic))
        }
    }
}

fn thing(draw: &mut Draw, topic: usize) -> &'static str {
    draw.zipf(TOPICS[topic].things)
}

fn person(draw: &mut Draw, topic: usize) -> &'static str {
    draw.zipf(TOPICS[topic].people)
}

fn adjective(draw: &mut Draw, happy: bool) -> &'static str {
    draw.zipf(if happy { PRAISE } else { BLAME })
}

/// Returns a word's indefinite article.
pub(crate) fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Adds the capital letter and the full stop.
pub(crate) fn finish(body: &str) -> String {
    let mut letters = body.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
