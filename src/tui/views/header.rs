//! What is looked at: model, task, template, demonstrations.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

use crate::{
    app::{sheet::demos_name, state::Screen},
    text::printable,
    tui::{theme::Role, widgets::pane},
};

use super::Scene;

/// One line over the whole width.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    buf.set_style(area, theme.on(Role::Text, Role::Panel));
    let mut spans = vec![Span::styled(" partscope ", theme.bold(Role::Accent))];
    for (index, word) in words(scene).into_iter().enumerate() {
        let role = if index < 3 { Role::Strong } else { Role::Dim };
        spans.push(Span::styled(if index == 0 { " " } else { " · " }, theme.fg(Role::Dim)));
        spans.push(Span::styled(word, theme.fg(role)));
    }
    pane::put_at(buf, area, 0, Line::from(spans));
    if let Some(sheet) = scene.state.sheet() {
        let (train, test) = (sheet.train.items.len(), sheet.test.items.len());
        let counts = Span::styled(format!(" {train} train + {test} test "), theme.fg(Role::Dim));
        let tabs = if area.width < 130 { Vec::new() } else { tabs(scene) };
        pane::put_right(buf, area, Line::from([vec![counts], tabs].concat()));
    }
}

/// The screens, the one that is shown standing out.
fn tabs(scene: Scene<'_>) -> Vec<Span<'static>> {
    let screens = [
        Screen::Map,
        Screen::Mix,
        Screen::Prompt,
        Screen::Examples,
        Screen::Cause,
        Screen::Compare,
        Screen::Matrix,
        Screen::Runs,
    ];
    let style = |here| {
        if here { scene.theme.bold(Role::Accent).add_modifier(Modifier::REVERSED) } else { scene.theme.fg(Role::Dim) }
    };
    let tab = |screen: Screen| Span::styled(format!(" {} ", screen.name()), style(screen == scene.state.screen));
    screens.into_iter().map(tab).collect()
}

/// What was asked for if it is still being prepared, what is shown otherwise.
fn words(scene: Scene<'_>) -> Vec<String> {
    let state = scene.state;
    let model = state.sheet().map(|sheet| printable(&sheet.model.id).into_owned());
    let (task, template, shots, demos) = match (&state.wanted, state.sheet()) {
        (Some(wanted), _) if state.filling.is_none() && state.phase.is_busy() => (
            wanted.task.as_str(),
            wanted.template.as_deref().unwrap_or("first template"),
            wanted.shots,
            demos_name(&wanted.demos, wanted.demo_seed),
        ),
        (_, Some(sheet)) => {
            (sheet.task.name.as_str(), sheet.task.template.as_str(), sheet.prompt.shots, sheet.demos_name())
        }
        _ => return Vec::new(),
    };
    let what = [task, template].map(|name| printable(name).into_owned());
    let demos = [format!("{shots} shots"), demos];
    model.into_iter().chain(what).chain(demos).collect()
}
