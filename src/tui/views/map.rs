//! Map screen: all components, the selected one, the mix, and the examples.

use ratatui::{buffer::Buffer, layout::Position};

use crate::{
    app::{Action, State},
    tui::layout::{Layout, list_rows, map_cells},
};

use super::{
    component, component_map,
    draw_context::DrawContext,
    examples, mix, ranking,
    view::{CURSOR, LIST, Target, View},
};

pub(super) const VIEW: View = View { page, target, wheel, right_button: Some(Action::Mark), ..View::new(draw, hints) };

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    if ctx.state.ranked {
        ranking::draw(buf, layout.map, ctx);
    } else {
        component_map::draw(buf, layout.map, ctx);
    }
    component::draw(buf, layout.component, ctx);
    if !ctx.state.detail {
        mix::draw(buf, layout.mix, ctx);
        examples::draw(buf, layout.examples, ctx, false);
    }
}

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::Fit,
        Action::ToggleMix,
        Action::Mute,
        Action::Mixer,
        Action::Prompt,
        Action::Examples,
        Action::Compare,
        Action::NextSeed,
        Action::NextTemplate,
        Action::NextTask,
        Action::Metric,
        Action::Ranking,
        Action::Zoom,
        Action::Detail,
        Action::Kinds,
        Action::Solo,
        Action::Undo,
        Action::Attention,
        Action::AblateMix,
        Action::AblateEach,
        Action::Filter,
    ]
}

fn page(layout: Layout, _: &State) -> u16 {
    list_rows(layout.examples, true).height
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let on_map = || component_map::target(map_cells(layout.map), state, at).filter(|_| !state.ranked);
    examples::target(list_rows(layout.examples, true), state, at).or_else(on_map)
}

fn wheel(layout: Layout, _: &State, at: Position) -> [Action; 2] {
    if layout.examples.contains(at) { LIST } else { CURSOR }
}
