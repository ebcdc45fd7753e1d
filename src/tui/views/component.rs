//! Details of the selected component.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::{ComponentStats, Effects, Kind},
    app::state::{comparison::comparable, open_run::OpenRun},
    text::{printable, signed},
    tui::{
        theme::{Role, Theme, glyph, kind_name},
        widgets::{
            bar::{bar, interval},
            pane,
        },
    },
};

use super::draw_context::{DrawContext, fact, percent};

/// Most rows of labels.
const LABELS: usize = 6;

/// Least share of one label that is shown beside the kind.
const LEANING: f64 = 0.9;

/// Draws accuracy with its interval, predicted labels, margin and weight, the reason for the kind, and the confusion
/// matrix.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let (Some(run), Some(component)) = (ctx.state.run(), ctx.state.selected()) else {
        pane::open(buf, area, theme, Line::styled("component", theme.bold(Role::Text)), Line::default());
        return;
    };
    let kind = run.kind(component);
    let title = Line::styled(run.name(component).to_string(), theme.bold(Role::Accent));
    let leaning = leaning(run, component).unwrap_or_default();
    let note = kind.map_or_else(Line::default, |kind| {
        let role = Theme::kind(kind);
        let name = format!("{} {}", glyph(kind), kind_name(kind));
        Line::styled(format!("{}{leaning}", name.trim()), theme.bold(role))
    });
    let inside = pane::open(buf, area, theme, title, note);
    let role = kind.map_or(Role::Text, Theme::kind);
    let width = usize::from(inside.width);
    let left = pane::stack(buf, inside, accuracy(theme, run, component, role, width));
    let left = pane::stack(buf, left, predicted_shares(theme, run, component, width));
    let left = pane::stack(buf, left, [margin_and_weight(theme, run, component, width)]);
    let effects = run.results.effects(component).filter(|_| ctx.state.map.metric.is_effect());
    let why = effects.map_or_else(|| reason(run, component, kind), ablation_note);
    let why = pane::wrap(&why, width.saturating_sub(1));
    let left = pane::stack(buf, left, why.into_iter().map(|line| Line::styled(line, theme.fg(Role::Dim))));
    let most = if ctx.state.detail { usize::from(left.height).saturating_sub(2) } else { 6 };
    let labels = run.shape.labels.min(most) as u16;
    if left.height > labels + 1 {
        let others = other_runs(ctx, run, component, width);
        let shown = Rect { height: (left.height - labels - 1).min(others.len() as u16), ..left };
        pane::stack_or_count(buf, shown, theme, others);
        let left = Rect { y: shown.bottom(), height: left.height - shown.height, ..left };
        pane::stack(buf, left, confusion(theme, run, component, (width, labels.into())));
    }
}

/// Returns the label that the component predicts for at least nine of ten examples, but not for all.
fn leaning(run: &OpenRun, component: usize) -> Option<String> {
    let tally = &run.test.tally;
    let (label, &count) = tally.predicted(component).iter().enumerate().max_by_key(|(_, count)| **count)?;
    let share = count as f64 / tally.len().max(1) as f64;
    (count < tally.len() && share >= LEANING).then(|| format!(", {:.0} % {}", share * 100.0, run.label(label)))
}

/// Returns the effects of ablating the component: direct (in the sum) and total (later layers react).
fn ablation_note(effects: &Effects) -> String {
    let (direct, total) = (effects.direct_effect(), effects.total_effect());
    format!(
        "ablated: margin {} direct, {} total; accuracy {}, {}; flips {}, {}",
        signed(direct.margin, 3),
        signed(total.margin, 3),
        signed(direct.accuracy * 100.0, 1),
        signed(total.accuracy * 100.0, 1),
        effects.direct_flips.count(),
        effects.total_flips.count()
    )
}

/// Returns the accuracy of the component in the other open runs.
fn other_runs(ctx: DrawContext<'_>, run: &OpenRun, component: usize, width: usize) -> Vec<Line<'static>> {
    let others = ctx.state.runs.iter().filter(|other| other.id != run.id && comparable(other, run));
    let values = others.filter_map(|other| {
        let accuracy = percent(Some(other.test.tally.accuracy(component)?));
        let template = if other.task.template == run.task.template { "" } else { &other.task.template };
        Some(format!("{} {accuracy}", format!("{} {}", printable(template), other.demos_name()).trim()))
    });
    let values: Vec<String> = values.collect();
    let lines = pane::wrap(&values.join(" · "), width.saturating_sub(11)).into_iter().enumerate();
    lines.map(|(row, text)| fact(ctx.theme, if row == 0 { "elsewhere" } else { "" }, text).into()).collect()
}

/// Returns the confusion matrix in examples, gold labels by predicted labels, for as many labels as fit.
fn confusion(theme: &Theme, run: &OpenRun, component: usize, (width, most): (usize, usize)) -> Vec<Line<'static>> {
    /// Columns of the gold label, and the most for a count.
    const GOLD: usize = 10;
    const COUNT: usize = 9;
    let Some(stats) = run.stats_of(component) else { return Vec::new() };
    let digits = stats.confusion.iter().max().map_or(1, |largest| largest.to_string().len());
    let room = width.saturating_sub(GOLD);
    let labels = most.min(room / (digits + 2).max(5)).max(1);
    let column = (room / labels).min(COUNT);
    let name = |label: usize, width: usize| pane::cut(&run.label(label), width);
    let right = |text: String| format!("{}{text}", " ".repeat(column.saturating_sub(pane::width(&text))));
    let heads = (0..labels).map(|label| right(name(label, column - 1)));
    let heads = heads.map(|head| Span::styled(head, theme.fg(Role::Dim)));
    let corner = Span::styled(format!("{:<GOLD$}", "gold"), theme.fg(Role::Dim));
    let mut lines = vec![std::iter::once(corner).chain(heads).collect::<Line<'static>>()];
    for gold in 0..labels {
        let mut spans =
            vec![Span::styled(format!("{}  ", pane::column(&run.label(gold), GOLD - 2)), theme.fg(Role::Text))];
        for predicted in 0..labels {
            let count = stats.confusion[gold * run.shape.labels + predicted];
            let role = if gold == predicted { Role::Good } else { Role::Bad };
            let style = if count == 0 { theme.fg(Role::Faint) } else { theme.fg(role) };
            spans.push(Span::styled(format!("{count:>column$}"), style));
        }
        lines.push(spans.into());
    }
    lines
}

fn accuracy(theme: &Theme, run: &OpenRun, component: usize, role: Role, width: usize) -> Vec<Line<'static>> {
    let tally = &run.test.tally;
    let Some(point) = tally.accuracy(component) else {
        return vec![fact(theme, "accuracy", "–").into(), Line::default()];
    };
    let stats = run.stats_of(component);
    let range = stats.map(|stats| stats.ci);
    let text = range.map_or_else(String::new, |(low, high)| format!(" [{:.0}, {:.0}]", low * 100.0, high * 100.0));
    let line = |gap: &str, n: &str| {
        let mut spans = fact(theme, "accuracy", "");
        spans.push(Span::styled(format!("{} %", percent(Some(point))), theme.bold(role)));
        spans.push(Span::styled(format!("{gap}{text}"), theme.fg(Role::Text)));
        spans.push(Span::styled(format!("{gap} {n}{}", tally.len()), theme.fg(Role::Dim)));
        Line::from(spans)
    };
    let first = Some(line(" ", "n = ")).filter(|line| line.width() <= width).unwrap_or_else(|| line("", "n="));
    let chance = 1.0 / run.shape.labels as f64;
    let mut second = fact(theme, "", "");
    second.extend(interval(theme, role, point, range, chance, width.saturating_sub(11)).spans);
    vec![first, second.into()]
}

/// Returns a row per label: how often the component predicts it.
fn predicted_shares(theme: &Theme, run: &OpenRun, component: usize, width: usize) -> Vec<Line<'static>> {
    let tally = &run.test.tally;
    let predicted = tally.predicted(component);
    let row = |(label, &count): (usize, &usize)| {
        let share = count as f64 / tally.len().max(1) as f64;
        let name = pane::column(&run.label(label), 9);
        let mut spans = vec![
            Span::styled(format!("{:<5}", if label == 0 { "pred" } else { "" }), theme.fg(Role::Dim)),
            Span::styled(format!("{name} "), theme.fg(Role::Text)),
        ];
        spans.extend(bar(theme, Role::Dim, share, width.saturating_sub(21)));
        spans.push(Span::styled(format!(" {:>3.0}%", share * 100.0), theme.fg(Role::Text)));
        Line::from(spans)
    };
    let shown = if predicted.len() > LABELS { LABELS - 1 } else { predicted.len() };
    let mut rows: Vec<Line<'_>> = predicted.iter().enumerate().take(shown).map(row).collect();
    if shown < predicted.len() {
        rows.push(Line::styled(format!("     and {} more labels", predicted.len() - shown), theme.fg(Role::Dim)));
    }
    rows
}

/// Returns mean margin and weight; if that is too long, `muted` or `solo` replaces the weight.
fn margin_and_weight(theme: &Theme, run: &OpenRun, component: usize, width: usize) -> Line<'static> {
    let margin = run.test.tally.margin(component);
    let margin = margin.map_or_else(|| "–".to_owned(), |margin| format!("{margin:+.2}"));
    let mixer = &run.mixer;
    let state = match () {
        () if mixer.is_muted(component) => "muted",
        () if mixer.is_solo(component) => "solo",
        () => "",
    };
    let gain = format!("{:.2}", mixer.gain(component));
    let role =
        if mixer.on && mixer.weight(component).to_bits() != 1.0_f64.to_bits() { Role::Accent } else { Role::Text };
    let line = |unit: &str, weight: &str| {
        let mut spans = fact(theme, "margin", format!("{margin}{unit}"));
        spans.push(Span::styled("   weight ", theme.fg(Role::Dim)));
        spans.push(Span::styled(weight.to_owned(), theme.fg(role)));
        Line::from(spans)
    };
    let whole = line(" nats", format!("{gain} {state}").trim_end());
    let brief = if state.is_empty() { gain.as_str() } else { state };
    if whole.width() <= width { whole } else { line("", brief) }
}

/// Returns the reason for the kind of the component.
fn reason(run: &OpenRun, component: usize, kind: Option<Kind>) -> String {
    let tally = &run.test.tally;
    if let (Some(label), Some(Kind::LabelBiased)) = (tally.only_label(component), kind) {
        return format!("always predicts {} (n = {})", run.label(label), tally.len());
    }
    let Some(stats) = run.stats_of(component) else {
        return if tally.is_empty() { String::new() } else { "tested when the run is complete".to_owned() };
    };
    let evidence = evidence(stats);
    let better = if stats.beats_full { "; beats the model" } else { "" };
    match kind {
        Some(Kind::Good) => format!("right more often than chance: {evidence}{better}"),
        Some(Kind::Bad) => format!("wrong more often than chance: {evidence}"),
        _ => format!("not distinguishable from chance: {evidence}"),
    }
}

fn evidence(stats: &ComponentStats) -> String {
    let q = if stats.q < 0.01 { format!("q = {:.0e}", stats.q) } else { format!("q = {:.2}", stats.q) };
    format!("κ = {:+.2}, {q}", stats.kappa)
}
