//! Matrix of the agreement between runs.

use crate::report::{
    style::{DIM, INK, ink_on, shade},
    svg::{Anchor, Canvas},
};

/// Returns `value`, or 0 if it would be shown as −0.00.
fn unsigned_zero(value: f64) -> f64 {
    if value.abs() < 0.005 { 0.0 } else { value }
}

/// Draws a square matrix of values from −1 to 1; `None` is shown as a dash.
pub(in crate::report) fn agreement(title: &str, names: &[String], values: &[Vec<Option<f64>>]) -> String {
    let count = names.len();
    let cell = (560.0 / count.max(1) as f64).clamp(16.0, 52.0);
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64;
    let left = 30.0 + 6.2 * longest;
    let side = cell * count as f64;
    let mut canvas = Canvas::new(left + side + 30.0, 44.0 + side + 20.0 + 6.2 * longest);
    canvas.bold((16.0, 24.0), 14.0, INK, Anchor::Start, title);
    for (row, name) in names.iter().enumerate() {
        let middle = (row as f64 + 0.5) * cell;
        canvas.text((left - 8.0, 44.0 + middle + 4.0), 11.0, DIM, Anchor::End, name);
        canvas.upright((left + middle + 4.0, 44.0 + side + 8.0), 11.0, DIM, Anchor::End, name);
        for (column, value) in values[row].iter().enumerate() {
            let (x, y) = (left + column as f64 * cell, 44.0 + row as f64 * cell);
            let color = shade(value.unwrap_or(0.0));
            let tip =
                format!("{name} and {}: {}", names[column], value.map_or("–".into(), |value| format!("{value:.3}")));
            canvas.rect((x, y), (cell - 1.0, cell - 1.0), &color.hex(), Some(&tip));
            if cell >= 26.0 {
                let words = value.map_or_else(|| "–".to_owned(), |value| format!("{:.2}", unsigned_zero(value)));
                let at = (x + cell / 2.0, y + cell / 2.0 + 4.0);
                canvas.text(at, (cell * 0.3).min(12.0), ink_on(color), Anchor::Middle, &words);
            }
        }
    }
    canvas.finish()
}
