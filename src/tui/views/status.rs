//! Status line: progress and notices, and whether the decomposition is exact.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use crate::{
    app::{
        Action, State,
        state::{Phase, Severity, experiments::ExperimentStatus, open_run::OpenRun},
    },
    attribution::F32_TOLERANCE,
    progress::Progress,
    tui::{
        theme::{Role, Theme},
        widgets::{bar::bar, pane},
    },
};

use super::draw_context::DrawContext;

/// Most rows of a long notice.
const NOTICE: usize = 5;

/// Draws the line above the footer.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let mut activity = activity(ctx);
    let notice = notice(ctx);
    let versions = ctx.state.run().map(|run| exactness(ctx.theme, run)).unwrap_or_default();
    let fits = |line: &&Line<'_>| activity.width() + line.width() + 2 <= area.width.into();
    let exact = versions.iter().find(fits).or(versions.last()).cloned().unwrap_or_default();
    let room = area.width.saturating_sub(exact.width() as u16 + 2);
    let beside = room.saturating_sub(if is_working(ctx) { activity.width() as u16 + 3 } else { 0 });
    let long = match notice {
        Some((text, style)) if pane::width(&text) <= beside.into() => {
            let gap = if is_working(ctx) { "   " } else { "" };
            activity = if is_working(ctx) { activity } else { Line::default() };
            activity.spans.push(Span::styled(format!("{gap}{text}"), style));
            None
        }
        other => other,
    };
    if let (Some((text, style)), false) = (&long, is_working(ctx)) {
        return long_notice(buf, area, ctx, text, *style);
    }
    pane::put_right(buf, area, exact);
    pane::put_at(buf, Rect { width: room, ..area }, 0, activity);
    if let Some((text, style)) = long {
        long_notice(buf, Rect { y: area.y - 1, ..area }, ctx, &text, style);
    }
}

/// Whether the line shows progress, which a notice never replaces.
const fn is_working(ctx: DrawContext<'_>) -> bool {
    ctx.state.phase.is_busy() || !matches!(ctx.state.experiments.status, ExperimentStatus::Idle)
}

/// Returns the notice and its style.
fn notice(ctx: DrawContext<'_>) -> Option<(String, Style)> {
    let (notice, theme) = (ctx.state.notice.as_ref()?, ctx.theme);
    let style = match notice.severity {
        Severity::Good => theme.bold(Role::Good),
        Severity::Plain => theme.fg(Role::Accent),
        Severity::Bad => theme.bold(Role::Alarm),
    };
    Some((notice.text.clone(), style))
}

/// Draws a notice that does not fit beside the exactness: over the whole width, and upwards on several rows if needed.
fn long_notice(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, text: &str, style: Style) {
    let lines = pane::wrap(text, area.width.into());
    let rows = lines.len().min(NOTICE) as u16;
    let place = Rect { y: area.y + 1 - rows, height: rows, ..area };
    let popup = Rect { x: place.x - 1, width: place.width + 2, ..place };
    Clear.render(popup, buf);
    buf.set_style(popup, ctx.theme.on(Role::Text, if rows > 1 { Role::Panel } else { Role::Background }));
    pane::stack(buf, place, lines.into_iter().map(|line| Line::styled(line, style)));
}

/// Returns a frame of the spinner.
pub(super) fn spinner(tick: usize) -> &'static str {
    ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"][tick % 10]
}

fn activity(ctx: DrawContext<'_>) -> Line<'static> {
    let (state, theme) = (ctx.state, ctx.theme);
    let shown = state.run();
    let busy = |text: String| {
        let spin = Span::styled(format!("{} ", spinner(ctx.tick)), theme.bold(Role::Accent));
        Line::from(vec![spin, Span::styled(text, theme.fg(Role::Text))])
    };
    match &state.phase {
        Phase::Idle | Phase::Stopped if state.experiments.status != ExperimentStatus::Idle => experiment(ctx),
        Phase::Idle | Phase::Stopped if quick(state).is_some() => {
            let mut line = busy(String::new());
            line.spans.extend(quick(state).map(|progress| running(theme, progress, 8).spans).unwrap_or_default());
            line
        }
        Phase::Preparing(None) => busy("building the prompts".to_owned()),
        Phase::Preparing(Some(progress)) => {
            let mut line = running(theme, progress, 12);
            line.spans.insert(0, Span::styled("prompts ", theme.fg(Role::Text)));
            line
        }
        Phase::Loading(model) => busy(format!("loading {model}")),
        Phase::Running(progress) => {
            let mut line = running(theme, progress, 12);
            if let Some(run) = state.filling_run().filter(|_| state.is_busy_elsewhere()) {
                line.spans.insert(0, Span::styled(format!("{} ", run.demos_name()), theme.fg(Role::Accent)));
            }
            line
        }
        Phase::Idle | Phase::Stopped if shown.is_some_and(|run| !run.is_complete()) => {
            let (again, run) =
                (state.key_of(Action::Rerun), shown.map(|run| (run.test.tally.len(), run.test.items.len())));
            let (done, total) = run.unwrap_or_default();
            let text = format!("stopped: {done} of {total} test examples; {again} resumes this run");
            Line::styled(text, theme.bold(Role::Bad))
        }
        Phase::Idle | Phase::Stopped => Line::styled(idle(ctx), theme.fg(Role::Dim)),
        Phase::Failed(_) => Line::styled("✗ failed", theme.bold(Role::Alarm)),
    }
}

/// Returns the progress of the quick experiment that runs, if it reports any.
const fn quick(state: &State) -> Option<&Progress> {
    match &state.experiments.quick {
        Some(_) => state.experiments.quick_progress.as_ref(),
        None => None,
    }
}

/// Returns the running experiment and its progress.
fn experiment(ctx: DrawContext<'_>) -> Line<'static> {
    let theme = ctx.theme;
    let ExperimentStatus::Busy(name, progress) = ctx.state.experiments.status else { return Line::default() };
    let mut line = Line::styled(format!("{} {name}  ", spinner(ctx.tick)), theme.bold(Role::Accent));
    match progress {
        Some(progress) => {
            let stop = ctx.state.key_of(Action::Cancel);
            line.spans.extend(running(theme, &progress, 8).spans);
            line.spans.push(Span::styled(format!("  {stop} stops"), theme.fg(Role::Dim)));
        }
        None => line.spans.push(Span::styled("running the model", theme.fg(Role::Dim))),
    }
    line
}

/// Returns how the last fit or run went.
fn idle(ctx: DrawContext<'_>) -> String {
    let Some(run) = ctx.state.run() else { return String::new() };
    let is_fitted = run.fit.as_ref().is_some_and(|fit| fit.mix == run.mixer.mix());
    let fit = ctx.state.fit_note.as_ref().filter(|note| note.run == run.id && is_fitted);
    match (fit, &run.meta) {
        (Some(note), _) => {
            format!(
                "fit by {}: {} examples, {}, optimal to {:.0e}",
                note.method.title(),
                note.train,
                duration(note.took),
                note.kkt
            )
        }
        (None, Some(meta)) => {
            let t = &meta.timing;
            let took = duration(Duration::from_secs_f64(t.attribute_s.max(0.0)));
            format!("done in {took} at {} examples/s", rate(t.examples_per_s))
        }
        _ => String::new(),
    }
}

/// Returns a rate with a digit behind the point below 10.
pub(super) fn rate(rate: f64) -> String {
    if rate < 9.95 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

/// Returns `━━━━────  130/220  59/s  2 s left`.
fn running(theme: &Theme, progress: &Progress, width: usize) -> Line<'static> {
    let share = progress.done as f64 / progress.total.max(1) as f64;
    let mut spans = bar(theme, Role::Accent, share, width);
    let left = progress.left.map_or_else(String::new, |left| format!("  {} left", duration(left)));
    let speed = if progress.rate > 0.0 { format!("  {}/s", rate(progress.rate)) } else { String::new() };
    let text = format!(" {}/{}{speed}{left}", progress.done, progress.total);
    spans.push(Span::styled(text, theme.fg(Role::Text)));
    spans.into()
}

/// Returns whether the parts add up to the model's logits, and the convention for the norm, in versions from long to
/// short.
fn exactness(theme: &Theme, run: &OpenRun) -> Vec<Line<'static>> {
    if run.test.tally.is_empty() {
        return Vec::new();
    }
    let size = format!("{:.0e}", run.exactness.max_rel);
    if run.is_complete() && !run.exactness.holds(F32_TOLERANCE) {
        let text = format!(" ✗ NOT EXACT: parts miss the logits by {size} (allowed {F32_TOLERANCE:.0e}) ");
        return vec![Line::styled(text, theme.alarm())];
    }
    let (mark, role) = if run.is_complete() { ("✓ exact", Role::Good) } else { ("exact so far", Role::Dim) };
    let more = [
        format!(" to {size} of the logits · norm's scale frozen"),
        format!(" to {size} · norm frozen"),
        format!(" to {size}"),
        String::new(),
    ];
    let line = |more| vec![Span::styled(mark, theme.fg(role)), Span::styled(more, theme.fg(Role::Dim))].into();
    more.map(line).into()
}

/// Formats a duration in ms, s, min or h.
pub(super) fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 0.0005 => "<1 ms".to_owned(),
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_formatted_in_a_suitable_unit() {
        for (seconds, text) in
            [(0.0, "<1 ms"), (0.0123, "12 ms"), (2.34, "2.3 s"), (59.6, "60 s"), (600.0, "10 min"), (9000.0, "2.5 h")]
        {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
