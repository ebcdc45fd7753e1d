//! Popup with the error of a failed request.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    app::Action,
    tui::{layout, theme::Role, widgets::pane},
};

use super::draw_context::{DrawContext, popup};

/// Draws the whole message in a popup.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, message: &str) {
    let theme = ctx.theme;
    let key = |action| ctx.state.key_of(action);
    let width = area.width.saturating_sub(8).min(76);
    let lines = pane::wrap(message, usize::from(width.saturating_sub(4)));
    let size = (width, lines.len() as u16 + 4);
    let inside = popup(buf, layout::popup(area, size), theme, "✗ this did not work", Role::Alarm);
    let text = lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Strong)));
    let left = pane::stack(buf, inside, text);
    let keys = format!(
        "{} tries again   {} closes this   {} quits",
        key(Action::Rerun),
        key(Action::Close),
        key(Action::Quit)
    );
    let keys = Line::styled(keys, theme.fg(Role::Dim));
    pane::stack(buf, left, [Line::default(), keys]);
}
