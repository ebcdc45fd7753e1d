//! Body of the terminal, in which screens draw.

use ratatui::layout::Rect;

/// Returns the area between header and status line.
pub fn body(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area }
}
