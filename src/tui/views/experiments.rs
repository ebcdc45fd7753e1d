//! Experiments screen: the ablated re-run (the mix applied inside the forward pass) compared with the direct effect,
//! attention, the logit lens, and the lens by layer.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::{Effects, Flips, Score, predict::predictions},
    app::{
        Action, State,
        state::{
            experiments::{ExperimentStatus, ExperimentView},
            open_run::OpenRun,
        },
    },
    experiments::Rerun,
    text::signed,
    tui::{
        layout::{self, Layout},
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    attention, component_map,
    draw_context::{DrawContext, opened},
    lens_by_layer, logit_lens, ranking, status,
    view::View,
};

/// Least width that also shows the map.
const WIDE: u16 = 110;

pub(super) const VIEW: View = View::new(draw, hints);

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::Attention,
        Action::LogitLens,
        Action::LensByLayer,
        Action::AblateMix,
        Action::Positions,
        Action::Fill,
        Action::Mute,
        Action::ListDown,
        Action::AblateEach,
        Action::Close,
    ]
}

/// Draws the chosen view, with the map beside it if both fit.
fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let (area, body) = (layout.area, layout::body(layout.area));
    let panel = if area.width >= WIDE {
        if ctx.state.ranked {
            ranking::draw(buf, layout.map, ctx);
        } else {
            component_map::draw(buf, layout.map, ctx);
        }
        Rect { y: body.y, height: body.height, ..layout.component }
    } else {
        Rect { x: body.x + 1, width: body.width - 2, ..body }
    };
    let Some(run) = ctx.state.run() else { return };
    match ctx.state.experiments.view {
        ExperimentView::Effects => effects(buf, panel, ctx, run),
        ExperimentView::Attention => attention::draw(buf, panel, ctx, run),
        ExperimentView::LogitLens => logit_lens::draw(buf, panel, ctx, run),
        ExperimentView::LensByLayer => lens_by_layer::draw(buf, panel, ctx, run),
    }
}

fn effects(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let ablation = state.experiments.ablation;
    let how = if area.width < 66 { ablation.short() } else { ablation.describe().to_owned() };
    let key = |action| state.key_of(action);
    let note = format!("{} positions  {} fill", key(Action::Positions), key(Action::Fill));
    let inside = opened(buf, area, theme, &format!("ablated re-run: {how}"), Line::styled(note, theme.fg(Role::Dim)));
    let Some(rerun) = &run.results.rerun else {
        let message = match state.experiments.status {
            ExperimentStatus::Idle if state.experiments.failure.is_some() => {
                state.experiments.failure.clone().unwrap_or_default()
            }
            ExperimentStatus::Busy(..) => {
                format!("{} running the model with the mix applied", status::spinner(ctx.tick))
            }
            ExperimentStatus::Idle if run.mixer.is_model() => {
                format!("No mix to apply: {} mutes a component, {} fits a mix.", key(Action::Mute), key(Action::Fit))
            }
            ExperimentStatus::Idle => format!("{} applies the mix inside the forward pass.", key(Action::AblateMix)),
        };
        let lines =
            pane::wrap(&message, inside.width.into()).into_iter().map(|line| Line::styled(line, theme.fg(Role::Text)));
        pane::stack(buf, inside, std::iter::once(Line::default()).chain(lines));
        return;
    };
    let left = pane::stack(buf, inside, table(theme, rerun, inside.width));
    let stale = rerun.mix.weights != run.mixer.weights() || rerun.ablation != state.experiments.ablation;
    let (note, style) = if stale {
        let again = key(Action::AblateMix);
        let note = format!("for an earlier mix or setting ({}); {again} runs it again", rerun.ablation.short());
        (note, theme.bold(Role::Bad))
    } else {
        let note = "Norms are recomputed; the weight of rest applies only to the final logits.";
        (note.to_owned(), theme.fg(Role::Dim))
    };
    let note = pane::wrap(&note, inside.width.into()).into_iter().map(|line| Line::styled(line, style));
    let left = pane::stack(buf, left, note.chain([Line::default()]));
    let half = left.height.saturating_sub(1) / 2;
    reactions(buf, Rect { height: half.min(11), ..left }, theme, rerun);
    let below = Rect { y: left.y + half.min(11), height: left.height - half.min(11), ..left };
    flips(buf, below, theme, run, rerun);
}

/// Returns accuracy, margin and flips of the model, with their direct, total and indirect effects.
fn table(theme: &Theme, rerun: &Rerun, width: u16) -> Vec<Line<'static>> {
    let effects = &rerun.effects;
    let narrow = width < 66;
    let column = if narrow { 9 } else { 15 };
    let roomy = width >= 52;
    let head = ["model", "direct", "total", "indirect"].map(|name| format!("{name:>column$}")).concat();
    let row = |name: &str, unit: &str, value: fn(Score) -> f64, digits: usize| {
        let cell = |score: f64, effect: Option<f64>| {
            let text = match effect {
                Some(effect) if !narrow => format!("{score:.digits$} ({})", signed(effect, digits)),
                Some(effect) => signed(effect, digits),
                None => format!("{score:.digits$}"),
            };
            format!("{text:>column$}")
        };
        let style = |effect: f64| theme.fg(if effect < 0.0 { Role::Bad } else { Role::Good });
        let (direct, total) = (value(effects.direct_effect()), value(effects.total_effect()));
        let indirect = value(effects.indirect_effect());
        Line::from(vec![
            Span::styled(format!("{name:<9}"), theme.fg(Role::Text)),
            Span::styled(cell(value(effects.model), None), theme.bold(Role::Text)),
            Span::styled(cell(value(effects.direct), Some(direct)), style(direct)),
            Span::styled(cell(value(effects.total), Some(total)), style(total)),
            Span::styled(format!("{:>column$}", signed(indirect, digits)), style(indirect)),
            Span::styled(if roomy { format!(" {unit}") } else { String::new() }, theme.fg(Role::Dim)),
        ])
    };
    vec![
        Line::styled(format!("{:<9}{head}", ""), theme.fg(Role::Dim)),
        row("accuracy", "points", |score| 100.0 * score.accuracy, 1),
        row("margin", "nats", |score| score.margin, 2),
        flip_row(theme, effects, column, roomy),
    ]
}

/// Returns the row of flips; the number of examples is shown if it fits.
fn flip_row(theme: &Theme, effects: &Effects, column: usize, roomy: bool) -> Line<'static> {
    let count = |flips: Flips| format!("+{} −{}", flips.fixed, flips.broken);
    Line::from(vec![
        Span::styled(format!("{:<9}{:>column$}", "flips", ""), theme.fg(Role::Text)),
        Span::styled(format!("{:>column$}", count(effects.direct_flips)), theme.fg(Role::Text)),
        Span::styled(format!("{:>column$}", count(effects.total_flips)), theme.fg(Role::Text)),
        Span::styled(format!("{:>column$}", effects.disagree), theme.fg(Role::Text)),
        Span::styled(if roomy { format!(" of {}", effects.examples) } else { String::new() }, theme.fg(Role::Dim)),
    ])
}

/// Draws the components whose contribution to the margin changed.
fn reactions(buf: &mut Buffer, area: Rect, theme: &Theme, rerun: &Rerun) {
    let note = Line::styled("mean margin, nats", theme.fg(Role::Dim));
    let inside = opened(buf, area, theme, "components that reacted", note);
    let largest = rerun.reactions.first().map_or(1.0, |(_, delta)| delta.abs());
    let room = usize::from(inside.width).saturating_sub(19);
    let row = |(component, delta): &(crate::Component, f64)| {
        let role = if *delta < 0.0 { Role::Bad } else { Role::Good };
        Line::from(vec![
            Span::styled(format!("{component:<9}"), theme.fg(Role::Text)),
            Span::styled(format!("{delta:>+7.3} "), theme.fg(role)),
            Span::styled("━".repeat((delta.abs() / largest * room as f64).round() as usize), theme.fg(role)),
        ])
    };
    pane::stack_or_count(buf, inside, theme, rerun.reactions.iter().map(row).collect());
}

/// Draws the examples whose prediction changed in the re-run.
fn flips(buf: &mut Buffer, area: Rect, theme: &Theme, run: &OpenRun, rerun: &Rerun) {
    let count = run.shape.labels;
    let (direct, total) = (predictions(&rerun.direct, count), predictions(&rerun.total, count));
    let model = run.test.tally.full_predictions();
    let flipped: Vec<usize> = (0..total.len().min(model.len())).filter(|&row| model[row] != total[row]).collect();
    let note = Line::styled("model → total (direct)", theme.fg(Role::Dim));
    let inside = opened(buf, area, theme, &format!("{} predictions changed", flipped.len()), note);
    let row = |&example: &usize| {
        let item = &run.test.items[example];
        let role = if total[example] == item.gold { Role::Good } else { Role::Bad };
        let labels = format!("{} → {}", run.label(model[example]), run.label(total[example]));
        Line::from(vec![
            Span::styled(format!("{} ", pane::column(&labels, 20)), theme.fg(role)),
            Span::styled(format!("({})  ", run.label(direct[example])), theme.fg(Role::Dim)),
            Span::styled(item.text.clone(), theme.fg(Role::Text)),
        ])
    };
    pane::stack_or_count(buf, inside, theme, flipped.iter().map(row).collect());
}
