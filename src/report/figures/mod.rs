//! The figures of a report, one per file. Each function takes numbers and returns an SVG document.

mod accuracies;
mod heat_map;
mod learning_curve;
mod lens;
mod matrix;
mod path;
mod scatter;

pub(super) use accuracies::accuracies;
pub(super) use heat_map::{HeatMap, heat_map};
pub(super) use learning_curve::learning_curve;
pub(super) use lens::lens;
pub(super) use matrix::agreement;
pub(super) use path::path;
pub(super) use scatter::scatter;

/// A figure with its file name and caption.
#[derive(Clone, Debug)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// Caption.
    pub caption: String,
    /// The SVG document.
    pub svg: String,
}
