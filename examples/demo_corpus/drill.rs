//! Drills: short documents with many questions about one line, as in a school book. To hold a question against a text is a skill
//! that one label an example teaches too slowly.

use crate::draw::Draw;
use crate::opinion;
use crate::reading;

/// One document: text, answer, text, answer, ….
pub(crate) fn document(draw: &mut Draw, ripe: f64) -> Vec<String> {
    let (topic, happy) = (draw.below(4), draw.chance(0.5));
    let mut text = opinion::sentence(draw, topic, happy, ripe);
    let mut parts = Vec::new();
    for _ in 0..5 {
        let yes = draw.chance(0.5);
        parts.push(format!("{text} {}", reading::question(draw, topic, happy, yes)));
        parts.push(if yes { " yes" } else { " no" }.to_string());
        text = String::new();
    }
    parts
}
