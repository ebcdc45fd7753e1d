//! Drawing helpers shared by all views.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};

use crate::{
    app::State,
    tui::{
        layout,
        theme::{Role, Theme},
        widgets::pane,
    },
};

/// Input of every view besides its area: state, theme and animation frame.
#[derive(Clone, Copy, Debug)]
pub struct DrawContext<'a> {
    /// State of the explorer.
    pub state: &'a State,
    /// Theme to draw with.
    pub theme: &'a Theme,
    /// Frame counter for animations.
    pub tick: usize,
}

/// Draws an empty popup with a title and returns its inside.
pub(super) fn popup(buf: &mut Buffer, place: Rect, theme: &Theme, title: &str, role: Role) -> Rect {
    Clear.render(place, buf);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.fg(role))
        .style(theme.on(Role::Text, Role::Panel))
        .title(Line::styled(format!(" {title} "), theme.bold(role)))
        .render(place, buf);
    layout::inside(place)
}

/// Formats a share as a percentage with one decimal, or as a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0))
}

/// Formats a signed value, with one decimal if its magnitude is below 10.
pub(super) fn nats(value: f64) -> String {
    let value = if value.abs() < 0.05 { 0.0 } else { value };
    if value.abs() < 9.95 { format!("{value:+.1}") } else { format!("{value:+.0}") }
}

/// Returns a dim name, padded to 10 columns, and its value.
pub(super) fn fact(theme: &Theme, name: &str, value: impl Into<String>) -> Vec<Span<'static>> {
    vec![Span::styled(format!("{name:<10}"), theme.fg(Role::Dim)), Span::styled(value.into(), theme.fg(Role::Text))]
}

/// Draws the title of a pane with a note on the right, and returns its inside.
pub(super) fn opened(buf: &mut Buffer, area: Rect, theme: &Theme, title: &str, note: Line<'_>) -> Rect {
    pane::open(buf, area, theme, Line::styled(title.to_owned(), theme.bold(Role::Text)), note)
}
