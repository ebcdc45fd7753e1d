//! Footer with the most useful keys of the screen.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use crate::tui::{layout::bars::Hint, theme::Role, widgets::pane};

use super::draw_context::DrawContext;

/// Draws one line over the whole width: `w fit  space on-off`.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, hints: Vec<Hint>) {
    let theme = ctx.theme;
    buf.set_style(area, theme.on(Role::Text, Role::Panel));
    for hint in hints {
        let line = vec![
            Span::styled(hint.key, theme.bold(Role::Accent)),
            Span::styled(format!(" {}", hint.action.name()), theme.fg(Role::Dim)),
        ];
        pane::put_at(buf, hint.place, 0, line.into());
    }
}
