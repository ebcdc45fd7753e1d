//! Prediction for one text: the probability of each label, and the margin by component.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::predict::softmax,
    app::state::{
        margin::{MarginBreakdown, MarginTerm},
        open_run::OpenRun,
    },
    tui::{
        theme::{Role, Theme, glyph},
        widgets::{bar::bar, pane},
    },
};

use super::draw_context::nats;

/// Columns of a percentage and of a logit, each with a space after it.
const SHARE: usize = 6;
const LOGIT: usize = 6;

/// Label logits of one text under the model, and under the mix if there is one.
pub(super) struct Logits {
    /// Logits of the model.
    pub(super) model: Vec<f64>,
    /// Logits of the mix.
    pub(super) mix: Option<Vec<f64>>,
}

/// Returns the probability of each label under the model and the mix, with logits if they fit; `favoured` is drawn as
/// the good label.
pub(super) fn chances(
    theme: &Theme,
    run: &OpenRun,
    favoured: usize,
    logits: &Logits,
    width: usize,
) -> Vec<Line<'static>> {
    let sides: Vec<(&str, &[f64], Vec<f64>)> = [("model", Some(&logits.model)), ("mix", logits.mix.as_ref())]
        .into_iter()
        .filter_map(|(name, logits)| Some((name, logits?.as_slice(), softmax(logits?, logits?.len()))))
        .collect();
    let shown = logits.model.len().min(6);
    let longest = (0..shown).map(|label| pane::width(&run.label(label))).max().unwrap_or(0).min(9);
    let each = width.saturating_sub(longest + 1) / sides.len();
    let with_logits = each >= SHARE + LOGIT + 2;
    let room = each.saturating_sub(SHARE + if with_logits { LOGIT } else { 0 });
    let head = |name: &str| {
        let logit = if with_logits { " logit " } else { " " };
        format!("{}{logit}", pane::column(name, room + SHARE - 1))
    };
    let heads: String = sides.iter().map(|(name, ..)| head(name)).collect();
    let heads = format!("{} {heads}", " ".repeat(longest));
    let mut lines = vec![Line::default(), Line::styled(heads, theme.fg(Role::Dim))];
    for label in 0..shown {
        let style = if label == favoured { theme.bold(Role::Text) } else { theme.fg(Role::Text) };
        let mut spans = vec![Span::styled(format!("{} ", pane::column(&run.label(label), longest)), style)];
        for (_, logits, shares) in &sides {
            let role = if label == favoured { Role::Good } else { Role::Bad };
            spans.extend(bar(theme, role, shares[label], room));
            spans.push(Span::styled(format!("{:>4.0}% ", shares[label] * 100.0), theme.fg(Role::Text)));
            let logit = with_logits.then(|| format!("{:>5} ", decimal(logits[label])));
            spans.extend(logit.map(|logit| Span::styled(logit, theme.fg(Role::Dim))));
        }
        lines.push(spans.into());
    }
    lines
}

/// Formats a number in at most five columns.
fn decimal(value: f64) -> String {
    let digits = usize::from(value.abs() < 999.95) + usize::from(value.abs() < 9.995);
    format!("{value:.digits$}")
}

/// Draws the margin by component: bars to the right favour the gold label, to the left its rival. Terms that do not fit
/// are summed.
pub(super) fn terms(buf: &mut Buffer, area: Rect, theme: &Theme, run: &OpenRun, breakdown: &MarginBreakdown) {
    let source = if run.mixer.on { "mix" } else { "model" };
    let note = Line::styled(format!("{source} {} nats", nats(breakdown.margin)), theme.fg(Role::Dim));
    let title = Line::from(vec![
        Span::styled(format!("◂ {}", run.label(breakdown.rival)), theme.bold(Role::Bad)),
        Span::styled("  against  ", theme.fg(Role::Dim)),
        Span::styled(format!("{} ▸", run.label(breakdown.gold)), theme.bold(Role::Good)),
    ]);
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let inside = pane::open(buf, area, theme, title, note);
    let rows = usize::from(inside.height);
    let shown = if breakdown.terms.len() > rows { rows.saturating_sub(1) } else { rows };
    let largest = breakdown.terms.first().map_or(1.0, |term| term.margin.abs());
    let drawn = breakdown.terms.iter().take(shown).map(|term| row(theme, run, *term, largest, inside.width));
    let left = pane::stack(buf, inside, drawn);
    let others = breakdown.terms.get(shown..).unwrap_or_default();
    if !others.is_empty() {
        let sum: f64 = others.iter().map(|term| term.margin).sum();
        let text = format!("and {} more, together {}", others.len(), nats(sum));
        pane::stack(buf, left, [Line::styled(text, theme.fg(Role::Dim))]);
    }
}

fn row(theme: &Theme, run: &OpenRun, term: MarginTerm, largest: f64, width: u16) -> Line<'static> {
    let name = term.component.map_or_else(|| "rest".to_owned(), |component| run.name(component).to_string());
    let kind = term.component.and_then(|component| run.kind(component));
    let half = usize::from(width).saturating_sub(20) / 2;
    let length = ((term.margin.abs() / largest) * half as f64).round() as usize;
    let drawn = "━".repeat(length);
    let (left, right, role) =
        if term.margin < 0.0 { (drawn, String::new(), Role::Bad) } else { (String::new(), drawn, Role::Good) };
    vec![
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(kind.map_or(Role::Dim, Theme::kind))),
        Span::styled(format!("{name:<9}"), theme.fg(Role::Text)),
        Span::styled(format!("{:>+6.2} ", term.margin), theme.fg(role)),
        Span::styled(format!("{left:>half$}"), theme.fg(role)),
        Span::styled("│", theme.fg(Role::Faint)),
        Span::styled(right, theme.fg(role)),
    ]
    .into()
}
