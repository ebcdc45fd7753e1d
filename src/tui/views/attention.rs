//! Attention of the selected head: the prompt shaded by weight, the strongest tokens, and shares by prompt part.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    app::state::{open_run::OpenRun, selection::chosen_example},
    experiments::{AttentionPattern, PromptPart},
    text::visible,
    tui::{
        theme::{Role, Theme},
        widgets::{bar::bar, heatmap::SHADES, pane},
    },
};

use super::{
    draw_context::{DrawContext, opened},
    status,
};

/// Rows of the strongest tokens when they are below the shares.
const TOKENS: u16 = 8;

/// Draws the view.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let Some(component) = state.selected() else { return };
    let (layer, column) = (component / (run.shape.heads + 1), component % (run.shape.heads + 1));
    let example = chosen_example(state);
    let id = example.map_or("", |example| &run.test.items[example].id);
    let title = format!("{} attention from last token", run.name(component));
    let inside = opened(buf, area, theme, &title, Line::styled(id.to_owned(), theme.fg(Role::Dim)));
    let pattern = run.results.attention.as_deref().filter(|(row, _)| Some(*row) == example).map(|(_, pattern)| pattern);
    let message = match (pattern, &state.experiments.quick_failure) {
        _ if column == run.shape.heads => "MLPs have no attention: move to a head.".to_owned(),
        (Some(pattern), _) => return draw_pattern(buf, inside, ctx, run, (pattern, layer * run.shape.heads + column)),
        (None, Some((_, _, why))) => why.clone(),
        (None, None) => format!("{} running the model", status::spinner(ctx.tick)),
    };
    let lines = pane::wrap(&message, inside.width.into());
    pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Text))));
}

fn draw_pattern(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    run: &OpenRun,
    (pattern, head): (&AttentionPattern, usize),
) {
    let theme = ctx.theme;
    let demonstrations = demonstrations(pattern);
    let mut shares = share_lines(theme, run, pattern, head, demonstrations);
    let rows = shares.len() as u16 + 1;
    let narrow = area.width < 64;
    let rows_below = if narrow { rows + TOKENS } else { rows };
    let below = rows_below.min(area.height / 2);
    let prompt = Rect { height: area.height - below, ..area };
    draw_prompt(buf, prompt, theme, pattern, head);
    let below = Rect { y: prompt.bottom(), height: below, ..area };
    let (first, second) = if narrow {
        let first = rows.min(below.height);
        (Rect { height: first, ..below }, Rect { y: below.y + first, height: below.height - first, ..below })
    } else {
        let half = below.width / 2;
        (Rect { width: half - 1, ..below }, Rect { x: below.x + half + 1, width: half - 1, ..below })
    };
    let note = if run.results.shares.is_some() { "example · mean" } else { "example · mean …" };
    let inside = opened(buf, first, theme, "by part, %", Line::styled(note, theme.fg(Role::Dim)));
    let left_out = shares.len().saturating_sub(inside.height.into());
    if left_out > 0 {
        shares.truncate(usize::from(inside.height).saturating_sub(1));
        shares.push(Line::styled(format!("… {} more demonstrations", left_out + 1), theme.fg(Role::Dim)));
    }
    pane::stack(buf, inside, shares);
    let inside = opened(buf, second, theme, "strongest tokens", Line::default());
    pane::stack(buf, inside, strongest(theme, pattern, head, inside));
}

fn demonstrations(pattern: &AttentionPattern) -> usize {
    let index = |part: PromptPart| match part {
        PromptPart::Text(index) | PromptPart::Label(index) => index + 1,
        _ => 0,
    };
    pattern.tokens.iter().map(|token| index(token.part)).max().unwrap_or(0)
}

/// Returns the totals, then a row per demonstration with its label word: shares of this example and mean of the run.
fn share_lines(
    theme: &Theme,
    run: &OpenRun,
    pattern: &AttentionPattern,
    head: usize,
    demonstrations: usize,
) -> Vec<Line<'static>> {
    let own = pattern.shares(head, demonstrations);
    let mean = run.results.shares.as_ref().filter(|shares| shares.parts.len() == own.len());
    let mean = mean.map(|shares| &shares.means[head]);
    let both = |of: &[usize]| {
        let share = |shares: &[f64]| 100.0 * of.iter().map(|&at| shares[at]).fold(0.0, |sum, share| sum + share);
        let run = mean.map_or_else(|| "   –".to_owned(), |mean| format!("{:>4.0}", share(mean)));
        format!("{:>4.0} ·{run}", share(&own))
    };
    let strong = |text: String| Span::styled(text, theme.bold(Role::Accent));
    let plain = |text: String| Span::styled(text, theme.fg(Role::Text));
    let named = |name: &str, of: &[usize]| format!("{name:<8}{}", both(of));
    let (between, query) = (own.len() - 2, own.len() - 1);
    let ends = [plain(named("start", &[0])), plain(format!("  {}", named("between", &[between])))];
    if demonstrations == 0 {
        return vec![Line::from(ends.to_vec()), Line::from(plain(named("query", &[query])))];
    }
    let parts = |first: usize| (first..between).step_by(2).collect::<Vec<usize>>();
    let all = [strong(named("labels", &parts(2))), plain(format!("  {}", named("texts", &parts(1))))];
    let mut lines = vec![all.to_vec().into(), ends.to_vec().into(), plain(named("query", &[query])).into()];
    lines.extend((0..demonstrations).map(|demonstration| {
        let word: String = pattern
            .tokens
            .iter()
            .filter(|token| token.part == PromptPart::Label(demonstration))
            .map(|token| token.text.trim())
            .collect();
        let at = 1 + 2 * demonstration;
        let text = named(&format!("demo {}", demonstration + 1), &[at]);
        Line::from(vec![plain(text), strong(format!("  {} {}", visible(&word), both(&[at + 1]).trim_start()))])
    }));
    lines
}

fn strongest(theme: &Theme, pattern: &AttentionPattern, head: usize, area: Rect) -> Vec<Line<'static>> {
    let weights = &pattern.weights[head];
    let room = usize::from(area.width).saturating_sub(30);
    let row = |place: usize| {
        let (token, weight) = (&pattern.tokens[place], weights[place]);
        let mut line = vec![Span::styled(format!("{:>3.0}% ", weight * 100.0), theme.bold(Role::Text))];
        line.push(Span::styled(format!("{} ", pane::column(&visible(&token.text), 13)), theme.fg(Role::Strong)));
        line.push(Span::styled(format!("{:<9}", token.part.to_string()), theme.fg(Role::Dim)));
        line.extend(bar(theme, Role::Accent, f64::from(weight), room));
        Line::from(line)
    };
    pattern.strongest(head, area.height.into()).into_iter().map(row).collect()
}

/// Draws the prompt as text. The background of a token shows its weight relative to the largest; without colours, a
/// shade follows the token.
fn draw_prompt(buf: &mut Buffer, area: Rect, theme: &Theme, pattern: &AttentionPattern, head: usize) {
    let weights = &pattern.weights[head];
    let most = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let width = usize::from(area.width);
    let strongest = pattern.strongest(head, 1);
    let (mut lines, mut focus) = (vec![Line::default()], 0);
    for (place, (token, &weight)) in pattern.tokens.iter().zip(weights).enumerate() {
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
        if strongest.contains(&place) {
            focus = lines.len() - 1;
        }
        if let Some(line) = lines.last_mut() {
            line.spans.push(Span::styled(shown, style));
        }
        if breaks {
            lines.push(Line::default());
        }
    }
    pane::stack(buf, area, window(theme, lines, area.height.into(), focus));
}

/// Returns at most `rows` of `lines`: the last ones, unless that would hide line `focus`.
fn window(theme: &Theme, lines: Vec<Line<'static>>, rows: usize, focus: usize) -> Vec<Line<'static>> {
    let hidden = lines.len().saturating_sub(rows);
    let first = if focus > hidden { hidden } else { focus.saturating_sub(rows / 2).min(hidden) };
    let below = hidden - first;
    let mark = |count: usize, side: &str| Line::styled(format!("… {count} lines {side}"), theme.fg(Role::Dim));
    let mut shown: Vec<Line<'static>> = lines.into_iter().skip(first).take(rows).collect();
    if let (true, Some(line)) = (first > 0, shown.first_mut()) {
        *line = mark(first + 1, "above");
    }
    if let (true, Some(line)) = (below > 0, shown.last_mut()) {
        *line = mark(below + 1, "below");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    #[test]
    fn the_strongest_token_is_visible() {
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let shown = |count: usize, rows: usize, focus: usize| -> Vec<String> {
            let lines = (0..count).map(|line| Line::raw(line.to_string())).collect();
            window(theme, lines, rows, focus).iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown(3, 4, 0), ["0", "1", "2"]);
        assert_eq!(shown(9, 4, 8), ["… 6 lines above", "6", "7", "8"]);
        assert_eq!(shown(9, 4, 0), ["0", "1", "2", "… 6 lines below"]);
        for rows in 3..12 {
            for focus in 0..10 {
                assert!(shown(10, rows, focus).contains(&focus.to_string()), "{rows} {focus}");
            }
        }
    }
}
