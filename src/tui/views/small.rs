//! Message for a terminal that is too small.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    app::Action,
    tui::{layout::LEAST, theme::Role, widgets::pane},
};

use super::draw_context::DrawContext;

/// Draws the size of the terminal and the size that is needed.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let quit = ctx.state.key_of(Action::Quit);
    let lines = [
        Line::styled("This terminal is too small.", theme.bold(Role::Accent)),
        Line::styled(format!("It is {} × {};", area.width, area.height), theme.fg(Role::Text)),
        Line::styled(format!("partscope needs {} × {}.", LEAST.width, LEAST.height), theme.fg(Role::Text)),
        Line::styled(format!("Make it larger, or press {quit} to quit."), theme.fg(Role::Dim)),
    ];
    let top = area.height.saturating_sub(lines.len() as u16) / 2;
    let area = Rect { y: area.y + top, height: area.height - top, ..area };
    pane::stack(buf, area, lines.map(Line::centered));
}
