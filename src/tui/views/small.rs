//! Message for a terminal that is too small.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    app::Action,
    tui::{layout::LEAST, theme::Role, widgets::pane},
};

use super::draw_context::DrawContext;

/// Draws the size of the terminal and the size that is needed, in the longest form that fits.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let quit = ctx.state.key_of(Action::Quit);
    let (width, height) = (area.width, area.height);
    let needs = format!("{} × {}", LEAST.width, LEAST.height);
    let long = vec![
        (Role::Accent, "This terminal is too small.".to_owned()),
        (Role::Text, format!("It is {width} × {height};")),
        (Role::Text, format!("partscope needs {needs}.")),
        (Role::Dim, format!("Make it larger, or press {quit} to quit.")),
    ];
    let short = vec![
        (Role::Accent, "too small".to_owned()),
        (Role::Text, format!("needs {needs}")),
        (Role::Dim, format!("{quit} quits")),
    ];
    let forms = [long, short].map(|lines| wrapped(&lines, width.into()));
    let shortest = vec![(Role::Accent, format!("needs {needs}"))];
    let lines = forms.into_iter().find(|lines| lines.len() <= height.into()).unwrap_or(shortest);
    let top = height.saturating_sub(lines.len() as u16) / 2;
    let area = Rect { y: area.y + top, height: height - top, ..area };
    let line = |(role, text): (Role, String)| {
        let fits = pane::width(&text) <= width.into();
        let style = if role == Role::Accent { ctx.theme.bold(role) } else { ctx.theme.fg(role) };
        let line = Line::styled(text, style);
        if fits { line.centered() } else { line }
    };
    pane::stack(buf, area, lines.into_iter().map(line));
}

/// Wraps every line to `width` columns.
fn wrapped(lines: &[(Role, String)], width: usize) -> Vec<(Role, String)> {
    let rows = lines.iter().flat_map(|(role, text)| pane::wrap(text, width).into_iter().map(|row| (*role, row)));
    rows.collect()
}
