//! What is going on, and whether the parts add up.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{
        Action,
        cause::Studying,
        sheet::Sheet,
        state::{Phase, Tone},
    },
    attribution::F32_TOLERANCE,
    progress::Progress,
    tui::{
        theme::{Role, Theme},
        widgets::{bar::bar, pane},
    },
};

use super::Scene;

/// The line above the keys.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let exact = scene.state.sheet().map_or_else(Line::default, |sheet| exactness(theme, sheet, area.width < 100));
    let room = area.width.saturating_sub(exact.width() as u16 + 2);
    pane::put_right(buf, area, exact);
    pane::put_at(buf, Rect { width: room, ..area }, 0, activity(scene, room.into()));
}

/// A sign of life.
pub(super) fn spinner(tick: usize) -> &'static str {
    ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"][tick % 10]
}

fn activity(scene: Scene<'_>, room: usize) -> Line<'static> {
    let (state, theme) = (scene.state, scene.theme);
    if let Some(notice) = &state.notice {
        let style = match notice.tone {
            Tone::Good => theme.bold(Role::Good),
            Tone::Plain => theme.fg(Role::Accent),
            Tone::Bad => theme.bold(Role::Alarm),
        };
        return Line::styled(notice.text.clone(), style);
    }
    let busy = |text: String| {
        let spin = Span::styled(format!("{} ", spinner(scene.tick)), theme.bold(Role::Accent));
        Line::from(vec![spin, Span::styled(text, theme.fg(Role::Text))])
    };
    match &state.phase {
        Phase::Idle | Phase::Stopped if state.cause.studying != Studying::Idle => studying(scene, room),
        Phase::Idle => Line::styled(idle(scene), theme.fg(Role::Dim)),
        Phase::Preparing => busy("making the prompts".to_owned()),
        Phase::Loading(model) => busy(format!("loading {model}")),
        Phase::Running(progress) => running(theme, progress),
        Phase::Stopped => {
            let again = state.key_of(Action::Rerun);
            let text = format!("stopped: what is shown is not complete; {again} runs it again");
            Line::styled(text, theme.bold(Role::Bad))
        }
        Phase::Failed(_) => Line::styled("✗ failed", theme.bold(Role::Alarm)),
    }
}

/// What is asked of the model, how far that is, how long it will take, and how to stop it; what has no room stays away.
fn studying(scene: Scene<'_>, room: usize) -> Line<'static> {
    let theme = scene.theme;
    let Studying::Busy(name, progress) = scene.state.cause.studying else { return Line::default() };
    let mut line = Line::styled(format!("{} {name}  ", spinner(scene.tick)), theme.bold(Role::Accent));
    let Some(progress) = progress else {
        line.spans.push(Span::styled("asking the model", theme.fg(Role::Dim)));
        return line;
    };
    let share = progress.done as f64 / progress.total.max(1) as f64;
    line.spans.extend(bar(theme, Role::Accent, share, 8));
    line.spans.push(Span::styled(format!(" {:.0} %", 100.0 * share), theme.fg(Role::Text)));
    let left = progress.left.map(|left| (format!("  {} left", duration(left)), Role::Text));
    let stop = (format!("  {} stops", scene.state.key_of(Action::Cancel)), Role::Dim);
    for (text, role) in left.into_iter().chain([stop]) {
        if line.width() + text.chars().count() <= room {
            line.spans.push(Span::styled(text, theme.fg(role)));
        }
    }
    line
}

/// When nothing happens: how the last run and fit went.
fn idle(scene: Scene<'_>) -> String {
    let Some(sheet) = scene.state.sheet() else { return String::new() };
    let fit = scene.state.fit_note.as_ref().filter(|note| note.sheet == sheet.id);
    match (fit, &sheet.meta) {
        (Some(note), _) => format!("fit: {} examples, {}, KKT {:.0e}", note.train, duration(note.took), note.kkt),
        (None, Some(meta)) => {
            let t = &meta.timing;
            format!(
                "done in {} at {:.0} examples/s",
                duration(Duration::from_secs_f64(t.attribute_s.max(0.0))),
                t.examples_per_s
            )
        }
        _ => String::new(),
    }
}

/// `━━━━────  130/220  59/s  2 s left`.
fn running(theme: &Theme, progress: &Progress) -> Line<'static> {
    let share = progress.done as f64 / progress.total.max(1) as f64;
    let mut spans = bar(theme, Role::Accent, share, 12);
    let left = progress.left.map_or_else(String::new, |left| format!("  {} left", duration(left)));
    let text = format!(" {}/{}  {:.0}/s{left}", progress.done, progress.total, progress.rate);
    spans.push(Span::styled(text, theme.fg(Role::Text)));
    spans.into()
}

/// Whether the parts add up to the model's logits, and under which convention.
fn exactness(theme: &Theme, sheet: &Sheet, brief: bool) -> Line<'static> {
    if sheet.test.tally.is_empty() {
        return Line::default();
    }
    let size = format!("{:.0e}", sheet.exactness.max_rel);
    if sheet.is_complete() && !sheet.exactness.holds(F32_TOLERANCE) {
        let text = format!(" ✗ NOT EXACT: parts miss the logits by {size} (allowed {F32_TOLERANCE:.0e}) ");
        return Line::styled(text, theme.alarm());
    }
    let (mark, role) = if sheet.is_complete() { ("✓ exact ", Role::Good) } else { ("exact so far ", Role::Dim) };
    let convention = if brief { " · norm frozen" } else { " of the logits · norm's scale frozen" };
    vec![Span::styled(mark, theme.fg(role)), Span::styled(format!("to {size}{convention}"), theme.fg(Role::Dim))].into()
}

/// A length of time in the unit that suits it.
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
    fn times_read_well() {
        for (seconds, text) in
            [(0.0, "<1 ms"), (0.0123, "12 ms"), (2.34, "2.3 s"), (59.6, "60 s"), (600.0, "10 min"), (9000.0, "2.5 h")]
        {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
