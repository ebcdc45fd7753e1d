//! What is looked at.

use super::{
    input::{LineInput, Palette},
    metric::Metric,
    scale::Scale,
};

/// What lies on top of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The list of keys, scrolled down by so many lines.
    Help(usize),
    /// The command palette.
    Palette(Palette),
    /// The line in which examples are searched.
    Search,
    /// A line that is asked for.
    Line(LineInput),
    /// The examples of the pool, one of which is chosen.
    Pool {
        /// What their text must contain.
        needle: String,
        /// Which of those that do.
        at: usize,
        /// Whether it takes the place of the demonstration under the cursor, or stands after it.
        replace: bool,
    },
}

/// Where the cursor of the map is. It outlives runs, so it may point beyond a smaller model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Layer.
    pub layer: usize,
    /// Head, or the number of heads for the MLP.
    pub column: usize,
}

/// The quantity on the map, for every component of the current run.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// What is shown.
    pub metric: Metric,
    /// Its values, as far as they are known, `[C]`.
    pub values: Vec<Option<f64>>,
    /// The scale they are drawn on.
    pub scale: Scale,
}
