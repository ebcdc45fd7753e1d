//! Runs screen: running, queued, open and stored runs.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use crate::{
    app::{
        Action, State,
        state::{
            Phase,
            open_run::{OpenRun, demos_name, model_name},
            palette_rows::short_task,
            run_list::RunRow,
            selection::rows,
        },
        update::run_list,
    },
    jobs::{StoredContent, StoredRun},
    run::RunMeta,
    runner::{Demos, RunRequest},
    size::format_size,
    text::printable,
    tui::{
        layout::{
            Layout, body,
            list::{first_row, row_at},
            runs_list,
        },
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, opened, percent},
    run_row::{Cells, described, heads, line, widths},
    status,
    view::{Target, View},
};

pub(super) const VIEW: View =
    View { page: |layout, _| runs_list(layout.area).height, target, ..View::new(draw, hints) };

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::Open,
        Action::Queue,
        Action::Rerun,
        Action::Compare,
        Action::Cancel,
        Action::Delete,
        Action::Matrix,
        Action::Close,
    ]
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let row = row_at(runs_list(layout.area), rows(state).len(), state.run_list.at, at)?;
    Some(Target::Place(run_list::choose, row))
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let area = layout.area;
    let (state, theme) = (ctx.state, ctx.theme);
    let body = body(area);
    let inner = Rect { x: body.x + 1, width: body.width - 2, ..body };
    let rows = rows(state);
    let stored = state
        .run_list
        .stored
        .as_ref()
        .map_or_else(|| "reading the store".to_owned(), |s| format!("{} stored", s.len()));
    let inside = opened(buf, inner, theme, "runs", Line::styled(stored, theme.fg(Role::Dim)));
    let list = runs_list(area);
    let room = usize::from(list.height);
    let at = state.run_list.at.min(rows.len().saturating_sub(1));
    let first = first_row(rows.len(), room, at);
    let shown: Vec<Cells> = rows.iter().skip(first).take(room).map(|row| cells(ctx, row)).collect();
    let head = heads();
    let widths = widths(&shown, &head, inside.width.into());
    pane::put_at(buf, inside, 0, line(theme, widths, &head, "test %").style(theme.fg(Role::Dim)));
    for (index, cells) in shown.iter().enumerate() {
        let place = Rect { y: list.y + index as u16, height: 1, ..list };
        pane::put_at(buf, place, 0, line(theme, widths, cells, &percent(cells.accuracy)));
        if first + index == at {
            buf.set_style(place, theme.selected());
            let below = Rect { y: inside.bottom().saturating_sub(2), height: 1, ..inside };
            pane::put_at(buf, below, 0, described(theme, cells));
        }
    }
    pane::scroll_cues(buf, list, theme, (first, rows.len()));
    if rows.is_empty() {
        let text = format!("no runs yet; {} queues one", state.key_of(Action::Queue));
        pane::put_at(buf, list, 0, Line::styled(text, theme.fg(Role::Dim)));
    }
    let below = Rect { y: inside.bottom().saturating_sub(1), height: 1, ..inside };
    pane::put_at(buf, below, 0, legend(theme));
}

fn cells(ctx: DrawContext<'_>, row: &RunRow) -> Cells {
    let state = ctx.state;
    match row {
        RunRow::InProgress => running(ctx),
        RunRow::Queued(index) => {
            let request = state.run_list.queue.get(*index);
            let what = request.map_or_else(Default::default, of_request);
            let (shots, note) = (shots_of(request), format!("queued {}", index + 1));
            Cells { sign: "…", role: Role::Dim, what, shots, note, ..Cells::default() }
        }
        RunRow::Open(id) => {
            let Some(run) = state.runs.iter().find(|run| run.id == *id) else { return Cells::default() };
            open_run(state, run)
        }
        RunRow::Stored(index) => {
            let run = state.run_list.stored.as_ref().and_then(|stored| stored.get(*index));
            run.map_or_else(Cells::default, stored)
        }
    }
}

fn running(ctx: DrawContext<'_>) -> Cells {
    let state = ctx.state;
    let note = match &state.phase {
        Phase::Running(progress) | Phase::Preparing(Some(progress)) => {
            let left = progress.left.map_or_else(String::new, |left| format!(", {} left", status::duration(left)));
            let what = if matches!(state.phase, Phase::Preparing(_)) { "prompts " } else { "" };
            let share = 100.0 * progress.done as f64 / progress.total.max(1) as f64;
            let speed =
                if progress.rate > 0.0 { format!(", {}/s", status::rate(progress.rate)) } else { String::new() };
            format!("{what}{share:.0} %{speed}{left}")
        }
        Phase::Loading(_) => "loading the model".to_owned(),
        _ => "building the prompts".to_owned(),
    };
    let counts = match &state.phase {
        Phase::Running(progress) => format!("{}/{}", progress.done, progress.total),
        _ => String::new(),
    };
    let filling = state.filling.and_then(|id| state.runs.iter().find(|run| run.id == id));
    let accuracy = filling.and_then(|run| run.test.tally.full_accuracy());
    let what = match (filling, &state.running.request) {
        (Some(run), _) => names(run),
        (None, Some(request)) => of_request(request),
        (None, None) => Default::default(),
    };
    let shots = filling.map_or_else(|| shots_of(state.running.request.as_ref()), |run| run.prompt.shots.to_string());
    Cells { sign: status::spinner(ctx.tick), role: Role::Accent, what, shots, accuracy, counts, note }
}

/// Returns the number of demonstrations that a request asks for.
fn shots_of(request: Option<&RunRequest>) -> String {
    request.map_or_else(String::new, |request| request.shown().to_string())
}

fn of_request(request: &RunRequest) -> [String; 4] {
    let name = |text: &str| printable(text).into_owned();
    let template = request.template.as_deref().unwrap_or("first template");
    [name(short_task(&request.task)), name(template), demos_name(&request.demos, request.demo_seed), String::new()]
}

fn open_run(state: &State, run: &OpenRun) -> Cells {
    let shown = state.run().is_some_and(|shown| shown.id == run.id);
    let other = state.other_run().is_some_and(|other| other.id == run.id);
    let note = match () {
        () if !run.is_complete() => "stopped",
        () if shown => "shown",
        () if other => "compared",
        () => "open",
    };
    let what = names(run);
    Cells {
        sign: if run.is_complete() { "●" } else { "◐" },
        role: if shown { Role::Accent } else { Role::Text },
        what,
        shots: run.prompt.shots.to_string(),
        accuracy: run.test.tally.full_accuracy(),
        counts: format!("{} + {}", run.train.items.len(), run.test.items.len()),
        note: note.to_owned(),
    }
}

/// Returns task, template, demonstrations and model.
fn names(run: &OpenRun) -> [String; 4] {
    let name = |text: &str| printable(text).into_owned();
    [name(&run.task.name), name(&run.task.template), run.demos_name(), run.model_name()]
}

fn stored(run: &StoredRun) -> Cells {
    let size = format_size(run.bytes);
    match &run.content {
        StoredContent::Run(meta) => Cells {
            sign: "○",
            role: Role::Dim,
            what: of_meta(meta),
            shots: meta.prompt.shots.to_string(),
            accuracy: Some(meta.accuracy.full),
            counts: format!("{} + {}", meta.examples.train, meta.examples.test),
            note: format!("on disk, {size}"),
        },
        StoredContent::Interrupted { task, template, model, prompt, request, done, total } => {
            let demos = demos_name(request.as_ref().map_or(&Demos::Balanced, |it| &it.demos), prompt.demo_seed);
            Cells {
                sign: "◌",
                role: Role::Dim,
                what: [task, template, &demos, &model_name(model)].map(|text| printable(text).into_owned()),
                shots: prompt.shots.to_string(),
                counts: format!("{done}/{total}"),
                note: format!("interrupted, {size}"),
                ..Cells::default()
            }
        }
        StoredContent::Damaged(why) => Cells {
            sign: "✗",
            role: Role::Alarm,
            what: ["damaged".to_owned(), String::new(), String::new(), String::new()],
            note: printable(why).into_owned(),
            ..Cells::default()
        },
    }
}

fn of_meta(meta: &RunMeta) -> [String; 4] {
    let drawn = Demos::Balanced;
    let demos = meta.request.as_ref().map_or(&drawn, |request| &request.demos);
    let name = |text: &str| printable(text).into_owned();
    [
        name(&meta.task.name),
        name(&meta.task.template),
        demos_name(demos, meta.prompt.demo_seed),
        model_name(&meta.model.id),
    ]
}

fn legend(theme: &Theme) -> Line<'static> {
    Line::styled("● open  ◐ stopped  … queued  ○ on disk  ◌ interrupted", theme.fg(Role::Dim))
}
