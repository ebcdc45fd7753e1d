//! Screens. Each reads the state and draws; none computes, none changes anything.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::app::state::{Overlay, Phase, Screen};

use super::{
    layout::{self, Layout},
    theme::Role,
};

mod attention;
mod baselines;
mod compare;
mod component;
mod draw_context;
mod example;
mod examples;
mod experiments;
mod failure;
mod footer;
mod header;
mod help;
mod logit_lens;
mod map;
mod matrix;
mod mix;
mod mixer;
mod palette;
mod prediction;
mod prompt;
mod ranking;
mod runs;
mod small;
mod status;

pub use draw_context::DrawContext;

/// Draws the whole screen.
pub fn draw(buf: &mut Buffer, ctx: DrawContext<'_>) {
    let area = buf.area;
    buf.set_style(area, ctx.theme.on(Role::Text, Role::Background));
    let Some(layout) = Layout::of(area, ctx.state) else { return small::draw(buf, area, ctx) };
    header::draw(buf, layout.header, ctx);
    match ctx.state.screen {
        Screen::Map => draw_map(buf, layout, ctx),
        Screen::Mixer => mixer::draw(buf, area, ctx),
        Screen::Prompt => prompt::draw(buf, area, ctx),
        Screen::Examples => {
            let [list, one] = layout::examples(area);
            examples::draw(buf, list, ctx);
            example::draw(buf, one, ctx);
        }
        Screen::Experiments => experiments::draw(buf, area, layout, ctx),
        Screen::Compare => compare::draw(buf, area, ctx),
        Screen::Matrix => matrix::draw(buf, area, ctx),
        Screen::Runs => runs::draw(buf, area, ctx),
    }
    status::draw(buf, layout.status, ctx);
    footer::draw(buf, layout.footer, ctx);
    draw_overlay(buf, area, layout, ctx);
}

fn draw_map(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    if ctx.state.ranked {
        ranking::draw(buf, layout.map, ctx);
    } else {
        map::draw(buf, layout.map, ctx);
    }
    component::draw(buf, layout.component, ctx);
    if !ctx.state.detail {
        mix::draw(buf, layout.mix, ctx);
        examples::draw(buf, layout.examples, ctx);
    }
}

fn draw_overlay(buf: &mut Buffer, area: Rect, layout: Layout, ctx: DrawContext<'_>) {
    let body = layout::body(area);
    if let Phase::Failed(message) = &ctx.state.phase {
        failure::draw(buf, body, ctx, message);
    }
    match &ctx.state.overlay {
        Some(Overlay::Help(scroll)) => help::draw(buf, body, ctx, *scroll),
        Some(Overlay::Palette(palette)) => palette::draw(buf, body, ctx, palette),
        Some(Overlay::Search) => palette::draw_search(buf, layout.status, ctx),
        Some(Overlay::Pool { needle, at, replace }) => prompt::draw_pool(buf, body, ctx, needle, *at, *replace),
        Some(Overlay::Line(line)) => palette::draw_line(buf, layout.status, ctx, line),
        None => {}
    }
}
