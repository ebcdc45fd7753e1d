//! Screens. Each draws the state without changing it or computing results.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::app::{
    Screen, State,
    state::{Overlay, Phase},
};

use super::{
    layout::{
        self, Layout,
        bars::{self, Hint},
    },
    theme::Role,
};

mod attention;
mod baselines;
mod compare;
mod comparison_facts;
mod comparison_head;
mod component;
mod component_map;
mod draw_context;
mod example;
mod examples;
mod experiments;
mod failure;
mod footer;
mod header;
mod help;
mod lens_by_layer;
mod logit_lens;
mod map;
mod map_margins;
mod matrix;
mod mix;
mod mixer;
mod palette;
mod prediction;
mod prompt;
mod ranking;
mod run_row;
mod runs;
mod small;
mod status;
mod view;

pub use draw_context::DrawContext;
pub use view::{CURSOR, Target, View};

/// Returns the view of a screen.
pub const fn view_of(screen: Screen) -> &'static View {
    match screen {
        Screen::Map => &map::VIEW,
        Screen::Mixer => &mixer::VIEW,
        Screen::Prompt => &prompt::VIEW,
        Screen::Examples => &examples::VIEW,
        Screen::Experiments => &experiments::VIEW,
        Screen::Compare => &compare::VIEW,
        Screen::Matrix => &matrix::VIEW,
        Screen::Runs => &runs::VIEW,
    }
}

/// Draws the whole screen.
pub fn draw(buf: &mut Buffer, ctx: DrawContext<'_>) {
    let area = buf.area;
    buf.set_style(area, ctx.theme.on(Role::Text, Role::Background));
    let Some(layout) = Layout::new(area, ctx.state) else { return small::draw(buf, area, ctx) };
    header::draw(buf, layout.header, ctx);
    (view_of(ctx.state.screen).draw)(buf, layout, ctx);
    status::draw(buf, layout.status, ctx);
    footer::draw(buf, layout.footer, ctx, hints(layout.footer, ctx.state));
    draw_overlay(buf, area, layout, ctx);
}

/// Returns the hints of the footer.
pub fn hints(footer: Rect, state: &State) -> Vec<Hint> {
    bars::hints(footer, state, (view_of(state.screen).hints)(state))
}

/// Returns the number of rows that a page key moves.
pub fn page(area: Rect, state: &State) -> u16 {
    let Some(layout) = Layout::new(area, state) else { return 1 };
    let body = layout::body(area);
    let rows = match &state.overlay {
        Some(Overlay::Help(_) | Overlay::Messages(_)) => body.height.saturating_sub(2),
        Some(Overlay::Palette(_)) => layout::palette_choices(layout::palette(body)).height,
        Some(Overlay::Pool { .. }) => layout::choices(layout::pool(body)).height,
        Some(Overlay::Search | Overlay::Line(_)) | None => (view_of(state.screen).page)(layout, state),
    };
    rows.max(1)
}

fn draw_overlay(buf: &mut Buffer, area: Rect, layout: Layout, ctx: DrawContext<'_>) {
    let body = layout::body(area);
    if let Phase::Failed(message) = &ctx.state.phase {
        failure::draw(buf, body, ctx, message);
    }
    match &ctx.state.overlay {
        Some(Overlay::Help(help)) => help::draw(buf, body, ctx, help),
        Some(Overlay::Messages(scroll)) => help::draw_messages(buf, body, ctx, *scroll),
        Some(Overlay::Palette(palette)) => palette::draw(buf, body, ctx, palette),
        Some(Overlay::Search) => palette::draw_search(buf, layout.status, ctx),
        Some(Overlay::Pool { needle, at, replace }) => prompt::draw_pool(buf, body, ctx, needle, *at, *replace),
        Some(Overlay::Line(line)) => palette::draw_line(buf, layout.status, ctx, line),
        None => {}
    }
}
