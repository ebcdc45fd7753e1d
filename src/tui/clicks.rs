//! What a click means outside the maps and faders: in the bars, in boxes that lie on top, and in lists.

use ratatui::layout::{Position, Rect};

use crate::app::{
    Action, Effect, State,
    state::{Overlay, Screen, selection::candidates},
    update::{go_to, run_matrix, update},
};

use super::layout::{self, Layout, bars, crosstab::crosstab, mixer::first_row};

/// What a click does in a box that lies on top or in one of the bars; `None` if it is about something else.
pub(super) fn click(state: &mut State, screen: Rect, layout: Layout, at: Position) -> Option<Vec<Effect>> {
    match state.overlay {
        Some(Overlay::Palette(_) | Overlay::Pool { .. }) => return Some(in_box(state, screen, at)),
        Some(Overlay::Help(_)) if !layout.footer.contains(at) => return Some(update(state, Action::Close)),
        _ => {}
    }
    if let Some(hint) = bars::hints(layout.footer, state).into_iter().find(|hint| hint.place.contains(at)) {
        return Some(update(state, hint.action));
    }
    if state.overlay.is_some() {
        return None;
    }
    let tab = bars::tabs(layout.header).into_iter().find(|(_, place)| place.contains(at));
    if let Some((screen, _)) = tab {
        return Some(go_to(state, screen));
    }
    if state.screen == Screen::Matrix
        && let Some((row, column)) = crosstab(screen, state.matrix.runs.len(), state.matrix.at).hit(at)
    {
        let cell = row * state.matrix.runs.len() + column;
        return Some(run_matrix::choose(state, cell).map_or_else(Vec::new, |action| update(state, action)));
    }
    None
}

/// Takes what is clicked in a box; a click beside the box closes it.
fn in_box(state: &mut State, screen: Rect, at: Position) -> Vec<Effect> {
    let body = layout::body(screen);
    let (popup, count, here) = match &state.overlay {
        Some(Overlay::Palette(palette)) => (layout::palette(body), palette.matches().len(), palette.at),
        Some(Overlay::Pool { needle, at, .. }) => (layout::pool(body), candidates(state, needle).len(), *at),
        _ => return Vec::new(),
    };
    if !popup.contains(at) {
        return update(state, Action::Close);
    }
    let rows = layout::choices(popup);
    let chosen = first_row(count, rows.height.into(), here) + usize::from(at.y.saturating_sub(rows.y));
    if !rows.contains(at) || chosen >= count {
        return Vec::new();
    }
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => palette.at = chosen,
        Some(Overlay::Pool { at, .. }) => *at = chosen,
        _ => {}
    }
    update(state, Action::Accept)
}

/// Goes to the flipped example of a row.
pub(super) fn choose_flip(state: &mut State, rows: Rect, at: Position) {
    let count = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len());
    let chosen = first_row(count, rows.height.into(), state.flip) + usize::from(at.y.saturating_sub(rows.y));
    if rows.contains(at) && chosen < count {
        state.flip = chosen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::harness::Bench;

    const SCREEN: Rect = Rect::new(0, 0, 140, 40);

    fn hit(bench: &mut Bench, place: Rect) -> bool {
        let layout = Layout::of(SCREEN, &bench.state).unwrap();
        click(&mut bench.state, SCREEN, layout, place.as_position()).is_some()
    }

    #[test]
    fn tabs_and_hints_are_clicked() {
        let mut bench = Bench::finished(40);
        let layout = Layout::of(SCREEN, &bench.state).unwrap();
        for (screen, place) in bars::tabs(layout.header) {
            assert!(hit(&mut bench, place));
            assert_eq!(bench.state.screen, screen);
            assert!(hit(&mut bench, place) && bench.state.screen == screen, "a tab never leaves its screen");
        }
        bench.keys("esc");
        let fit = bars::hints(layout.footer, &bench.state).into_iter().find(|hint| hint.action == Action::Mute);
        assert!(hit(&mut bench, fit.unwrap().place) && bench.state.run().unwrap().mixer.is_muted(0));
        assert!(!hit(&mut bench, layout.map), "the map is none of its business");
    }

    #[test]
    fn rows_of_boxes_are_taken_by_a_click_and_a_click_beside_closes() {
        let mut bench = Bench::finished(40);
        bench.keys(": m u t e");
        let rows = layout::choices(layout::palette(layout::body(SCREEN)));
        assert!(hit(&mut bench, rows) && bench.state.run().unwrap().mixer.is_muted(0));
        bench.keys("p enter");
        let first = candidates(&bench.state, "")[1];
        let rows = layout::choices(layout::pool(layout::body(SCREEN)));
        assert!(hit(&mut bench, Rect { y: rows.y + 1, ..rows }));
        let id = bench.state.task().unwrap().pool[first].id.clone();
        assert_eq!(bench.state.editor.as_ref().unwrap().demos[0].id, id);
        for keys in [":", "enter", "?"] {
            bench.keys("esc p").keys(keys);
            assert!(hit(&mut bench, Rect::new(0, 1, 1, 1)) && bench.state.overlay.is_none(), "{keys}");
        }
    }

    #[test]
    fn flipped_examples_and_pairs_of_runs_are_clicked() {
        let mut bench = Bench::finished(48);
        bench.keys("s");
        bench.run_to_end(48);
        bench.keys("c");
        let flips = layout::Sides::of(SCREEN, bench.shape).flips();
        assert!(bench.state.comparison.as_ref().unwrap().flips.len() > 1);
        choose_flip(&mut bench.state, flips, Position::new(flips.x, flips.y + 1));
        assert_eq!(bench.state.flip, 1);
        bench.keys("esc M");
        let cells = crosstab(SCREEN, 2, (0, 1)).cells;
        let place = |row: u16, column: u16| Rect::new(cells.x + column * 6, cells.y + row, 1, 1);
        assert!(hit(&mut bench, place(1, 0)));
        assert_eq!((bench.state.matrix.at, bench.state.screen), ((1, 0), Screen::Matrix));
        assert!(hit(&mut bench, place(1, 0)));
        assert_eq!(bench.state.screen, Screen::Compare, "a second click opens the pair");
    }
}
