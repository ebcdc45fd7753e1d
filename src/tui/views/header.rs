//! Header with model, task, template, demonstrations and tabs.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    app::state::{
        open_run::{OpenRun, demos_name},
        palette_rows::short_task,
    },
    text::printable,
    tui::{layout::bars::tabs, theme::Role, widgets::pane},
};

use super::draw_context::DrawContext;

/// Draws one line over the whole width.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    buf.set_style(area, theme.on(Role::Text, Role::Panel));
    let tabs = tabs(area);
    let left = tabs.iter().map(|(_, place)| place.x).min().unwrap_or(area.right());
    let names = names(ctx);
    // The program's own name goes first where there is no room for all.
    let own = Span::styled(" partscope ", theme.bold(Role::Accent));
    let named: Line<'_> = if own.width() + names.width() > usize::from(left - area.x) {
        names
    } else {
        std::iter::once(own).chain(names.spans).collect()
    };
    let counts = ctx
        .state
        .run()
        .map_or_else(String::new, |run| format!(" {} train + {} test ", run.train.items.len(), run.test.items.len()));
    let room = Rect { width: left - area.x, ..area };
    let counts = if named.width() + counts.len() > usize::from(room.width) { String::new() } else { counts };
    let words = Rect { width: room.width.saturating_sub(counts.len() as u16), ..area };
    pane::put_at(buf, words, 0, named);
    pane::put_right(buf, room, Line::styled(counts, theme.fg(Role::Dim)));
    for (screen, place) in tabs {
        let here = screen == ctx.state.screen;
        let style = if here { theme.bold(Role::Accent).add_modifier(Modifier::REVERSED) } else { theme.fg(Role::Dim) };
        pane::put_at(buf, place, 0, Line::styled(format!(" {} ", screen.title()), style));
    }
}

/// Returns ` demo · topic · article · 4 shots · demos 0`.
fn names(ctx: DrawContext<'_>) -> Line<'static> {
    let theme = ctx.theme;
    let mut spans = Vec::new();
    for (index, word) in words(ctx).into_iter().enumerate() {
        let role = if index < 3 { Role::Strong } else { Role::Dim };
        spans.push(Span::styled(if index == 0 { " " } else { " · " }, theme.fg(Role::Dim)));
        spans.push(Span::styled(word, theme.fg(role)));
    }
    spans.into()
}

/// Returns the words for the requested run while it is prepared, otherwise for the run on screen.
fn words(ctx: DrawContext<'_>) -> Vec<String> {
    let state = ctx.state;
    let model = state.run().map(OpenRun::model_name);
    let (task, template, shots, demos) = match (&state.running.request, state.run()) {
        (Some(wanted), run)
            if state.filling.is_none() && state.phase.is_busy() && (state.running.is_followed || run.is_none()) =>
        {
            (
                short_task(&wanted.task),
                wanted.template.as_deref().unwrap_or("first template"),
                wanted.shown(),
                demos_name(&wanted.demos, wanted.demo_seed),
            )
        }
        (_, Some(run)) => (run.task.name.as_str(), run.task.template.as_str(), run.prompt.shots, run.demos_name()),
        _ => return Vec::new(),
    };
    let what = [task, template].map(|name| printable(name).into_owned());
    let demos = [format!("{shots} shots"), demos];
    model.into_iter().chain(what).chain(demos).collect()
}
