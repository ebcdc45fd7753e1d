//! Where the selected head looks: the prompt shaded by weight, the strongest tokens, and shares by part.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    app::{cause::chosen_example, sheet::Sheet},
    cause::{Look, PromptPart},
    text::visible,
    tui::{
        theme::{Role, Theme},
        widgets::{bar::bar, heatmap::SHADES, pane},
    },
};

use super::{Scene, opened, status};

/// Rows of the strongest tokens where they stand below the shares.
const TOKENS: u16 = 8;

/// The view.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>, sheet: &Sheet) {
    let (state, theme) = (scene.state, scene.theme);
    let Some(component) = state.selected() else { return };
    let (layer, column) = (component / (sheet.shape.heads + 1), component % (sheet.shape.heads + 1));
    let example = chosen_example(state);
    let id = example.map_or("", |example| &sheet.test.items[example].id);
    let title = format!("{} looks from the last token", sheet.name(component));
    let inside = opened(buf, area, theme, &title, Line::styled(id.to_owned(), theme.fg(Role::Dim)));
    let look = sheet.findings.look.as_deref().filter(|(of, _)| Some(*of) == example).map(|(_, look)| look);
    let said = match (look, &state.cause.refused) {
        _ if column == sheet.shape.heads => "An MLP does not look at other tokens: move to a head.".to_owned(),
        (Some(look), _) => return looking(buf, inside, scene, sheet, (look, layer * sheet.shape.heads + column)),
        (None, Some((_, _, why))) => why.clone(),
        (None, None) => format!("{} asking the model", status::spinner(scene.tick)),
    };
    let lines = pane::wrap(&said, inside.width.into());
    pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Text))));
}

fn looking(buf: &mut Buffer, area: Rect, scene: Scene<'_>, sheet: &Sheet, (look, head): (&Look, usize)) {
    let theme = scene.theme;
    let demonstrations = demonstrations(look);
    let shares = share_lines(theme, sheet, look, head, demonstrations);
    let rows = shares.len() as u16 + 1;
    let narrow = area.width < 64;
    let wanted = if narrow { rows + TOKENS } else { rows };
    let below = wanted.min(area.height / 2);
    let prompt = Rect { height: area.height - below, ..area };
    draw_prompt(buf, prompt, theme, look, head);
    let below = Rect { y: prompt.bottom(), height: below, ..area };
    let (first, second) = if narrow {
        let first = rows.min(below.height);
        (Rect { height: first, ..below }, Rect { y: below.y + first, height: below.height - first, ..below })
    } else {
        let half = below.width / 2;
        (Rect { width: half - 1, ..below }, Rect { x: below.x + half + 1, width: half - 1, ..below })
    };
    let note = if sheet.findings.shares.is_some() { "this · run" } else { "this · run …" };
    let inside = opened(buf, first, theme, "by part, %", Line::styled(note, theme.fg(Role::Dim)));
    pane::stack(buf, inside, shares);
    let inside = opened(buf, second, theme, "strongest tokens", Line::default());
    pane::stack(buf, inside, strongest(theme, look, head, inside));
}

fn demonstrations(look: &Look) -> usize {
    let index = |part: PromptPart| match part {
        PromptPart::Text(index) | PromptPart::Label(index) => index + 1,
        _ => 0,
    };
    look.tokens.iter().map(|token| index(token.part)).max().unwrap_or(0)
}

/// A row for each demonstration with its label word, and one for each of the others.
fn share_lines(theme: &Theme, sheet: &Sheet, look: &Look, head: usize, demonstrations: usize) -> Vec<Line<'static>> {
    let own = look.shares(head, demonstrations);
    let shares = sheet.findings.shares.as_ref().filter(|shares| shares.parts.len() == own.len());
    let mean = shares.map(|shares| &shares.means[head]);
    let both = |at: usize| {
        let run = mean.map_or_else(|| "   –".to_owned(), |mean| format!("{:>4.0}", mean[at] * 100.0));
        format!("{:>4.0} ·{run}", own[at] * 100.0)
    };
    let strong = |text: String| Span::styled(text, theme.bold(Role::Accent));
    let plain = |text: String| Span::styled(text, theme.fg(Role::Text));
    let single = |name: &str, at: usize| Line::from(vec![plain(format!("{name:<8}")), plain(both(at))]);
    let mut lines = vec![single("start", 0)];
    for demonstration in 0..demonstrations {
        let (text, label) = (1 + 2 * demonstration, 2 + 2 * demonstration);
        let word: String = look
            .tokens
            .iter()
            .filter(|token| token.part == PromptPart::Label(demonstration))
            .map(|t| t.text.trim())
            .collect();
        lines.push(Line::from(vec![
            plain(format!("{:<8}", format!("demo {}", demonstration + 1))),
            plain(both(text)),
            strong(format!("  {} {}", visible(&word), both(label).trim_start())),
        ]));
    }
    lines.push(single("between", own.len() - 2));
    lines.push(single("query", own.len() - 1));
    lines
}

fn strongest(theme: &Theme, look: &Look, head: usize, area: Rect) -> Vec<Line<'static>> {
    let weights = &look.weights[head];
    let room = usize::from(area.width).saturating_sub(30);
    let row = |place: usize| {
        let (token, weight) = (&look.tokens[place], weights[place]);
        let mut line = vec![Span::styled(format!("{:>3.0}% ", weight * 100.0), theme.bold(Role::Text))];
        line.push(Span::styled(format!("{} ", pane::column(&visible(&token.text), 13)), theme.fg(Role::Strong)));
        line.push(Span::styled(format!("{:<9}", token.part.to_string()), theme.fg(Role::Dim)));
        line.extend(bar(theme, Role::Accent, f64::from(weight), room));
        Line::from(line)
    };
    look.strongest(head, area.height.into()).into_iter().map(row).collect()
}

/// The prompt as text. With colours a token lies on its weight, as a share of the largest; without, a shade follows it.
fn draw_prompt(buf: &mut Buffer, area: Rect, theme: &Theme, look: &Look, head: usize) {
    let weights = &look.weights[head];
    let most = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = vec![Line::default()];
    for (token, &weight) in look.tokens.iter().zip(weights) {
        let share = f64::from(weight / most);
        let breaks = token.text.contains('\n');
        let mut shown = visible(token.text.trim_end_matches('\n'));
        if breaks {
            shown.push('⏎');
        }
        let style = match theme.ramp.color(share) {
            Some(color) if share >= 0.04 => Style::new().fg(theme.ramp.ink(share)).bg(color),
            _ => theme.fg(Role::Text),
        };
        if theme.ramp.color(share).is_none() && share >= 0.125 {
            shown.push(SHADES[(share * 4.0).round() as usize]);
        }
        let used = lines.last().map_or(0, Line::width);
        if used > 0 && used + shown.chars().count() > width {
            lines.push(Line::default());
            shown = shown.split_off(shown.len() - shown.trim_start().len());
        }
        if let Some(line) = lines.last_mut() {
            line.spans.push(Span::styled(shown, style));
        }
        if breaks {
            lines.push(Line::default());
        }
    }
    let rows = usize::from(area.height);
    let hidden = lines.len().saturating_sub(rows);
    let mut shown: Vec<Line<'static>> = lines.into_iter().skip(hidden).collect();
    if let (true, Some(first)) = (hidden > 0, shown.first_mut()) {
        *first = Line::styled(format!("… {} lines above", hidden + 1), theme.fg(Role::Dim));
    }
    pane::stack(buf, area, shown);
}
