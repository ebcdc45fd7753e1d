//! Help: every action with its keys.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{Action, Keymap, action::Section},
    tui::{
        layout,
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::draw_context::{DrawContext, popup};

/// Columns of the keys.
const KEYS: usize = 18;

/// Draws the list of keys as a popup, scrolled down by `scroll` lines.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, scroll: usize) {
    let lines = lines(&ctx.state.keymap, ctx.theme);
    let size = (84, (lines.len() + 2) as u16);
    let inside = popup(buf, layout::popup(area, size), ctx.theme, "keys", Role::Accent);
    let scroll = scroll.min(lines.len().saturating_sub(inside.height.into()));
    let below = lines.len().saturating_sub(scroll + usize::from(inside.height));
    pane::stack(buf, inside, lines.into_iter().skip(scroll).take(inside.height.into()));
    if below > 0 {
        let place = Rect { y: inside.bottom(), height: 1, ..inside };
        pane::put_right(buf, place, Line::styled(format!(" {below} more ↓ "), ctx.theme.fg(Role::Accent)));
    }
}

fn lines(keymap: &Keymap, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for section in Section::ALL {
        lines.push(Line::styled(section.title(), theme.bold(Role::Accent)));
        for &action in Action::ALL.iter().filter(|action| action.section() == section && **action != Action::Nothing) {
            let keys = keymap.any_keys(action).join("  ");
            lines.push(Line::from(vec![
                Span::styled(format!("  {keys:<KEYS$}"), theme.bold(Role::Strong)),
                Span::styled(action.description(), theme.fg(Role::Text)),
            ]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::keymap::DEFAULT, tui::color::Depth};

    #[test]
    fn every_action_is_listed_with_its_keys() {
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let lines: Vec<String> = lines(&Keymap::parse(DEFAULT).unwrap(), theme).iter().map(Line::to_string).collect();
        for &action in Action::ALL.iter().filter(|&&action| action != Action::Nothing) {
            let line = lines.iter().find(|line| line.contains(action.description())).unwrap();
            assert!(!line[..KEYS].trim().is_empty(), "{line}");
        }
        assert!(lines.iter().all(|line| line.chars().count() <= 76), "lines fit on 80 columns");
    }
}
