//! Screens. Each reads the state and draws; none computes, none changes anything.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};

use crate::app::{
    State,
    state::{Overlay, Phase, Screen},
};

use super::{
    layout::{self, Layout},
    theme::{Role, Theme},
    widgets::pane,
};

mod attention;
mod cause;
mod compare;
mod component;
mod desk;
mod example;
mod examples;
mod failure;
mod footer;
mod header;
mod help;
mod map;
mod matrix;
mod mix;
mod palette;
mod prompt;
mod ranking;
mod runs;
mod scores;
mod small;
mod status;
mod verdict;
mod writes;

/// What a view needs besides its place: the state, the theme, and which frame of an animation it is.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Everything the explorer knows.
    pub state: &'a State,
    /// What it looks like.
    pub theme: &'a Theme,
    /// Counts up while something moves.
    pub tick: usize,
}

/// Draws the whole screen.
pub fn draw(buf: &mut Buffer, scene: Scene<'_>) {
    let area = buf.area;
    buf.set_style(area, scene.theme.on(Role::Text, Role::Background));
    let Some(layout) = Layout::of(area, scene.state) else { return small::draw(buf, area, scene) };
    header::draw(buf, layout.header, scene);
    match scene.state.screen {
        Screen::Map => draw_map(buf, layout, scene),
        Screen::Mix => desk::draw(buf, area, scene),
        Screen::Prompt => prompt::draw(buf, area, scene),
        Screen::Examples => {
            let [list, one] = layout::examples(area);
            examples::draw(buf, list, scene);
            example::draw(buf, one, scene);
        }
        Screen::Cause => cause::draw(buf, area, layout, scene),
        Screen::Compare => compare::draw(buf, area, scene),
        Screen::Matrix => matrix::draw(buf, area, scene),
        Screen::Runs => runs::draw(buf, area, scene),
    }
    status::draw(buf, layout.status, scene);
    footer::draw(buf, layout.footer, scene);
    draw_overlay(buf, area, layout, scene);
}

fn draw_map(buf: &mut Buffer, layout: Layout, scene: Scene<'_>) {
    if scene.state.ranked {
        ranking::draw(buf, layout.map, scene);
    } else {
        map::draw(buf, layout.map, scene);
    }
    component::draw(buf, layout.component, scene);
    if !scene.state.detail {
        mix::draw(buf, layout.mix, scene);
        examples::draw(buf, layout.examples, scene);
    }
}

fn draw_overlay(buf: &mut Buffer, area: Rect, layout: Layout, scene: Scene<'_>) {
    let body = layout::body(area);
    if let Phase::Failed(message) = &scene.state.phase {
        failure::draw(buf, body, scene, message);
    }
    match &scene.state.overlay {
        Some(Overlay::Help(scroll)) => help::draw(buf, body, scene, *scroll),
        Some(Overlay::Palette(palette)) => palette::draw(buf, body, scene, palette),
        Some(Overlay::Search) => palette::draw_search(buf, layout.status, scene),
        Some(Overlay::Pool { needle, at, replace }) => prompt::draw_pool(buf, body, scene, needle, *at, *replace),
        Some(Overlay::Line(line)) => palette::draw_line(buf, layout.status, scene, line),
        None => {}
    }
}

/// Clears a box and returns its inside.
fn sheet_of_paper(buf: &mut Buffer, place: Rect, theme: &Theme, title: &str, role: Role) -> Rect {
    Clear.render(place, buf);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.fg(role))
        .style(theme.on(Role::Text, Role::Panel))
        .title(Line::styled(format!(" {title} "), theme.bold(role)))
        .render(place, buf);
    layout::inside(place)
}

/// A number with one digit after the point, or a dash.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0))
}

/// Spans in alternating styles: what something is called, and what it is.
fn fact(theme: &Theme, name: &str, value: impl Into<String>) -> Vec<Span<'static>> {
    vec![Span::styled(format!("{name:<10}"), theme.fg(Role::Dim)), Span::styled(value.into(), theme.fg(Role::Text))]
}

fn opened(buf: &mut Buffer, area: Rect, theme: &Theme, title: &str, note: Line<'_>) -> Rect {
    pane::open(buf, area, theme, Line::styled(title.to_owned(), theme.bold(Role::Text)), note)
}
