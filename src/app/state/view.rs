//! Overlays, the cursor and the map.

use super::{help::Help, input::LineInput, metric::Metric, palette::Palette, scale::Scale};

/// A popup or input line over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The help.
    Help(Help),
    /// The messages so far, scrolled up by this many lines.
    Messages(usize),
    /// The palette.
    Palette(Palette),
    /// The example search.
    Search,
    /// An input line.
    Line(LineInput),
    /// The list of pool examples to choose from.
    Pool {
        /// Text that the examples must contain.
        needle: String,
        /// Index of the selected match.
        at: usize,
        /// Whether the example replaces the demonstration under the cursor; otherwise it is inserted after it.
        replace: bool,
    },
}

/// Cursor on the map. It is kept when runs change, so it may point beyond a smaller model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the head, or the number of heads for the MLP.
    pub column: usize,
}

/// The quantity on the map, with its value for each component of the current run.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The quantity.
    pub metric: Metric,
    /// Values, where known, `[C]`.
    pub values: Vec<Option<f64>>,
    /// Scale of the values.
    pub scale: Scale,
}
