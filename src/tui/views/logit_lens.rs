//! Logit lens of the selected component: its output times the whole unembedding.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{open_run::OpenRun, selection::chosen_example},
    experiments::{LogitLens, Word},
    text::visible,
    tui::{
        theme::{Role, Theme},
        widgets::{bar::bar, pane},
    },
};

use super::{
    draw_context::{DrawContext, opened},
    status,
};

/// Draws the view.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let (Some(component), Some(example)) = (state.selected_name(), chosen_example(state)) else { return };
    let id = run.test.items[example].id.clone();
    let title = format!("{component} logit lens, last token");
    let inside = opened(buf, area, theme, &title, Line::styled(id, theme.fg(Role::Dim)));
    let known = run.results.logit_lens.as_deref();
    let known = known.filter(|(row, lens)| (*row, lens.component) == (example, component));
    let message = match (known, &state.experiments.quick_failure) {
        (Some((_, lens)), _) => return words(buf, inside, theme, lens),
        (None, Some((_, _, why))) => why.clone(),
        (None, None) => format!("{} running the model", status::spinner(ctx.tick)),
    };
    let lines = pane::wrap(&message, inside.width.into());
    pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Text))));
}

/// Most rows of label words.
const LABELS: usize = 6;

fn words(buf: &mut Buffer, area: Rect, theme: &Theme, lens: &LogitLens) {
    let most = [lens.promoted.first(), lens.suppressed.first()].into_iter().flatten();
    let largest = most.map(|word| word.logit.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let dim = |text: String| Line::styled(text, theme.fg(Role::Dim));
    let heading =
        pane::wrap("nats added to a word's logit, under the frozen norm; label words first", area.width.into());
    let left = pane::stack(buf, area, heading.into_iter().map(dim));
    let labels: Vec<Line<'_>> = lens.labels.iter().map(|word| line(theme, word, largest, area.width)).collect();
    let shown = Rect { height: left.height.min(labels.len().min(LABELS) as u16), ..left };
    pane::stack_or_count(buf, shown, theme, labels);
    let left = Rect { y: shown.bottom(), height: left.height - shown.height, ..left };
    let left = pane::stack(buf, left, [dim(format!("mean over the vocabulary {:+.2}", lens.mean)), Line::default()]);
    let half = left.width / 2;
    for (at, title, words) in [(0, "promotes", &lens.promoted), (half + 1, "suppresses", &lens.suppressed)] {
        let side = Rect { x: left.x + at, width: half.saturating_sub(1), ..left };
        let inside = opened(buf, side, theme, title, Line::default());
        let rows = words.iter().map(|word| line(theme, word, largest, inside.width));
        pane::stack_or_count(buf, inside, theme, rows.collect());
    }
}

/// Returns a word, the change of its logit in nats, and a bar of at most 30 columns.
fn line(theme: &Theme, word: &Word, largest: f64, width: u16) -> Line<'static> {
    /// Columns of the number and its gap.
    const NUMBER: usize = 8;
    let width = usize::from(width);
    let named = width.saturating_sub(NUMBER).min(16);
    let role = if word.logit < 0.0 { Role::Bad } else { Role::Good };
    let text = pane::column(&visible(&word.text), named.saturating_sub(1));
    let mut spans = vec![
        Span::styled(format!("{text} "), theme.fg(Role::Strong)),
        Span::styled(format!("{:>+6.2} ", word.logit), theme.fg(role)),
    ];
    spans.extend(bar(theme, role, word.logit.abs() / largest, width.saturating_sub(named + NUMBER).min(30)));
    spans.into()
}
