//! What every view draws with.

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

/// What a view needs besides its place: the state, the theme, and which frame of an animation it is.
#[derive(Clone, Copy, Debug)]
pub struct DrawContext<'a> {
    /// Everything the explorer knows.
    pub state: &'a State,
    /// What it looks like.
    pub theme: &'a Theme,
    /// Counts up while something moves.
    pub tick: usize,
}

/// Clears a box and returns its inside.
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

/// A number with one digit after the point, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0))
}

/// A signed number with a digit after the point where there is room for one.
pub(super) fn nats(value: f64) -> String {
    let value = if value.abs() < 0.05 { 0.0 } else { value };
    if value.abs() < 9.95 { format!("{value:+.1}") } else { format!("{value:+.0}") }
}

/// Spans in alternating styles: what something is called, and what it is.
pub(super) fn fact(theme: &Theme, name: &str, value: impl Into<String>) -> Vec<Span<'static>> {
    vec![Span::styled(format!("{name:<10}"), theme.fg(Role::Dim)), Span::styled(value.into(), theme.fg(Role::Text))]
}

/// A pane with a title and a note beside it; returns its inside.
pub(super) fn opened(buf: &mut Buffer, area: Rect, theme: &Theme, title: &str, note: Line<'_>) -> Rect {
    pane::open(buf, area, theme, Line::styled(title.to_owned(), theme.bold(Role::Text)), note)
}
