//! Bars, and points with intervals.

use ratatui::text::{Line, Span};

use crate::tui::theme::{Role, Theme};

/// Returns a bar over `share` of `width` cells, to half a cell, and a rule over the rest.
pub fn bar(theme: &Theme, role: Role, share: f64, width: usize) -> Vec<Span<'static>> {
    let halves = (share.clamp(0.0, 1.0) * width as f64 * 2.0).round() as usize;
    let full = format!("{}{}", "━".repeat(halves / 2), "╸".repeat(halves % 2));
    let used = halves.div_ceil(2);
    vec![Span::styled(full, theme.fg(role)), Span::styled("─".repeat(width - used), theme.fg(Role::Faint))]
}

/// Returns a line from 0 to 1 with a point, its interval, and a tick at `reference`.
pub fn interval(
    theme: &Theme,
    role: Role,
    point: f64,
    range: Option<(f64, f64)>,
    reference: f64,
    width: usize,
) -> Line<'static> {
    let at = |share: f64| (share.clamp(0.0, 1.0) * (width.max(1) - 1) as f64).round() as usize;
    let inside = |cell: usize| range.is_some_and(|(low, high)| (at(low)..=at(high)).contains(&cell));
    let cells = (0..width).map(|cell| match cell {
        cell if cell == at(point) => Span::styled("●", theme.bold(role)),
        cell if inside(cell) => Span::styled("━", theme.fg(role)),
        cell if cell == at(reference) => Span::styled("┊", theme.fg(Role::Dim)),
        _ => Span::styled("─", theme.fg(Role::Faint)),
    });
    cells.collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    fn text(line: impl IntoIterator<Item = Span<'static>>) -> String {
        line.into_iter().map(|span| span.content).collect()
    }

    #[test]
    fn bars_are_as_long_as_the_share() {
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        for (share, drawn) in [(0.0, "────"), (0.5, "━━──"), (0.6, "━━╸─"), (1.0, "━━━━"), (7.0, "━━━━")]
        {
            assert_eq!(text(bar(theme, Role::Good, share, 4)), drawn, "{share}");
        }
        assert_eq!(text(interval(theme, Role::Good, 0.9, Some((0.8, 1.0)), 0.5, 11)), "─────┊──━●━");
        assert_eq!(text(interval(theme, Role::Good, 0.0, None, 0.5, 5)), "●─┊──");
    }
}
