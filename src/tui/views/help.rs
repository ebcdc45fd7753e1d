//! Help: what the panes show, the keys of the screen, and all other keys; and the messages so far.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{Severity, help::Help, help_rows::HelpRow},
    tui::{
        layout,
        theme::{Role, Theme},
        widgets::{field, pane},
    },
};

use super::draw_context::{DrawContext, popup};

/// Columns of the keys.
const KEYS: usize = 18;

/// Draws the help as a popup.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, help: &Help) {
    let theme = ctx.theme;
    let place = layout::help(area);
    let title = format!("help: {}", ctx.state.screen.title());
    let inside = popup(buf, place, theme, &title, Role::Accent);
    let rows = ctx.state.help_rows(help);
    let lines: Vec<Line<'_>> = rows.iter().map(|row| line(theme, row)).collect();
    let scroll = help.scroll.min(lines.len().saturating_sub(inside.height.into()));
    let below = lines.len().saturating_sub(scroll + usize::from(inside.height));
    if lines.is_empty() {
        pane::stack(buf, inside, [Line::styled("nothing in the help contains this text", theme.fg(Role::Dim))]);
    }
    pane::stack(buf, inside, lines.into_iter().skip(scroll).take(inside.height.into()));
    let foot = Rect { y: inside.bottom(), height: 1, ..inside };
    if help.is_typing || !help.needle.is_empty() {
        let mut spans = vec![Span::styled(" / ", theme.bold(Role::Accent))];
        spans.extend(field::spans(theme, &help.needle, ctx.state.caret, usize::from(foot.width / 2)));
        pane::put_at(buf, foot, 0, spans.into());
    }
    more(buf, foot, theme, (scroll, below));
}

/// Draws how many lines are above and below.
fn more(buf: &mut Buffer, foot: Rect, theme: &Theme, (above, below): (usize, usize)) {
    let above = if above > 0 { format!(" {above} above ↑ ") } else { String::new() };
    let below = if below > 0 { format!(" {below} more ↓ ") } else { String::new() };
    pane::put_right(buf, foot, Line::styled(format!("{above}{below}"), theme.fg(Role::Accent)));
}

fn line(theme: &Theme, row: &HelpRow) -> Line<'static> {
    match row {
        HelpRow::Title(title) => Line::styled(title.clone(), theme.bold(Role::Accent)),
        HelpRow::Text(text) => Line::styled(format!("  {text}"), theme.fg(Role::Text)),
        HelpRow::Source(source) => Line::styled(format!("  {source}"), theme.fg(Role::Dim)),
        HelpRow::Key(keys, action) => Line::from(vec![
            Span::styled(format!("  {keys:<KEYS$}"), theme.bold(Role::Strong)),
            Span::styled(action.description(), theme.fg(Role::Text)),
        ]),
    }
}

/// Draws the messages so far as a popup, newest first.
pub(super) fn draw_messages(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, scroll: usize) {
    let (state, theme) = (ctx.state, ctx.theme);
    let inside = popup(buf, layout::help(area), theme, "messages, newest first", Role::Accent);
    if state.notices.is_empty() {
        pane::stack(buf, inside, [Line::styled("no messages yet", theme.fg(Role::Dim))]);
    }
    let role = |severity| match severity {
        Severity::Good => Role::Good,
        Severity::Plain => Role::Text,
        Severity::Bad => Role::Alarm,
    };
    let lines = state.notices.iter().rev().skip(scroll).flat_map(|notice| {
        let wrapped = pane::wrap(&notice.text, usize::from(inside.width).saturating_sub(2)).into_iter().enumerate();
        let role = role(notice.severity);
        wrapped.map(move |(row, text)| (if row == 0 { "• " } else { "  " }, text, role)).collect::<Vec<_>>()
    });
    let lines = lines.map(|(mark, text, role)| Line::styled(format!("{mark}{text}"), theme.fg(role)));
    pane::stack(buf, inside, lines.take(inside.height.into()));
    let below = state.notices.len().saturating_sub(scroll + usize::from(inside.height));
    more(buf, Rect { y: inside.bottom(), height: 1, ..inside }, theme, (scroll, below));
}
