//! Drills: short documents with many questions about one line, as in a textbook. One label per example would teach too
//! slowly how to answer a question about a text.

use std::collections::HashSet;

use crate::draw::Draw;
use crate::opinion;
use crate::reading;

/// Writes one document: text, answer, text, answer, …. Neither the line nor a question about it is in a split.
pub(crate) fn document(draw: &mut Draw, ripe: f64, held_out: &HashSet<String>) -> Vec<String> {
    let (topic, happy) = (draw.below(4), draw.chance(0.5));
    let line = loop {
        let line = opinion::sentence(draw, topic, happy, ripe);
        if !held_out.contains(&line) {
            break line;
        }
    };
    let mut parts = Vec::new();
    while parts.len() < 10 {
        let yes = draw.chance(0.5);
        let question = reading::question(draw, topic, happy, yes);
        if held_out.contains(&format!("{line}\n{question}")) {
            continue;
        }
        parts.push(format!("{} {question}", if parts.is_empty() { line.as_str() } else { "" }));
        parts.push(if yes { " yes" } else { " no" }.to_string());
    }
    parts
}
