//! Pieces that screens are made of. Each draws into a rectangle and knows nothing of the screen around it.

pub mod bar;
pub mod fader;
pub mod field;
pub mod grid;
pub mod heatmap;
pub mod legend;
pub mod pane;
pub mod prompt_text;
pub mod scatter;
