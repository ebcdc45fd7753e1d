//! Reusable widgets. Each draws into a rectangle, independent of the screen around it.

pub mod bar;
pub mod fader;
pub mod field;
pub mod grid;
pub mod heatmap;
pub mod legend;
pub mod minimap;
pub mod pane;
pub mod prompt_text;
pub mod scatter;
