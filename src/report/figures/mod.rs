//! The figures of a report, one a file: numbers in, an SVG document out.

mod accuracies;
mod heat_map;
mod matrix;
mod path;
mod scatter;

pub(super) use accuracies::accuracies;
pub(super) use heat_map::{HeatMap, heat_map};
pub(super) use matrix::agreement;
pub(super) use path::path;
pub(super) use scatter::scatter;

/// A figure with the name of its files and a sentence that says what it shows.
#[derive(Clone, Debug)]
pub struct Figure {
    /// File name without an ending.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// The drawing.
    pub svg: String,
}
