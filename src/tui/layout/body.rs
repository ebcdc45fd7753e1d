//! The part of the screen that screens draw in.

use ratatui::layout::Rect;

/// What lies between header and status line.
pub fn body(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area }
}
