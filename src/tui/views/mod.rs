//! Screens. Each reads the state and draws; none computes, none changes anything.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::app::state::{Overlay, Phase, Screen};

use super::{
    layout::{self, Layout},
    theme::Role,
};

mod attention;
mod baselines;
mod cause;
mod compare;
mod component;
mod example;
mod examples;
mod failure;
mod footer;
mod header;
mod help;
mod map;
mod matrix;
mod mix;
mod mixer;
mod palette;
mod prediction;
mod prompt;
mod ranking;
mod runs;
mod scene;
mod small;
mod status;
mod writes;

pub use scene::Scene;

/// Draws the whole screen.
pub fn draw(buf: &mut Buffer, scene: Scene<'_>) {
    let area = buf.area;
    buf.set_style(area, scene.theme.on(Role::Text, Role::Background));
    let Some(layout) = Layout::of(area, scene.state) else { return small::draw(buf, area, scene) };
    header::draw(buf, layout.header, scene);
    match scene.state.screen {
        Screen::Map => draw_map(buf, layout, scene),
        Screen::Mix => mixer::draw(buf, area, scene),
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
