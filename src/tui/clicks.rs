//! Clicks on the header, the footer and popups.

use ratatui::layout::{Position, Rect};

use crate::app::{
    Action, Effect, State,
    state::{Overlay, selection::candidates},
    update::{go_to, update},
};

use super::{
    layout::{self, Layout, bars, list::row_at},
    views,
};

/// Handles a click on a popup, the header or the footer; `None` if it is on none of them.
pub(super) fn click(state: &mut State, layout: Layout, at: Position) -> Option<Vec<Effect>> {
    match state.overlay {
        Some(Overlay::Palette(_) | Overlay::Pool { .. }) => return Some(in_popup(state, layout.area, at)),
        Some(Overlay::Help(_) | Overlay::Messages(_)) if !layout.footer.contains(at) => {
            return Some(update(state, Action::Close));
        }
        _ => {}
    }
    if let Some(hint) = views::hints(layout.footer, state).into_iter().find(|hint| hint.place.contains(at)) {
        return Some(update(state, hint.action));
    }
    if state.overlay.is_some() {
        return None;
    }
    let tab = bars::tabs(layout.header).into_iter().find(|(_, place)| place.contains(at));
    tab.map(|(screen, _)| go_to(state, screen))
}

/// Chooses the row that is clicked in a popup; a click outside closes the popup.
fn in_popup(state: &mut State, screen: Rect, at: Position) -> Vec<Effect> {
    let body = layout::body(screen);
    let (popup, rows, count, here) = match &state.overlay {
        Some(Overlay::Palette(palette)) => {
            let popup = layout::palette(body);
            (popup, layout::palette_choices(popup), state.palette_rows(palette).len(), palette.at)
        }
        Some(Overlay::Pool { needle, at, .. }) => {
            let popup = layout::pool(body);
            (popup, layout::choices(popup), candidates(state, needle).len(), *at)
        }
        _ => return Vec::new(),
    };
    if !popup.contains(at) {
        return update(state, Action::Close);
    }
    let Some(chosen) = row_at(rows, count, here, at) else { return Vec::new() };
    match &mut state.overlay {
        Some(Overlay::Palette(palette)) => palette.at = chosen,
        Some(Overlay::Pool { at, .. }) => *at = chosen,
        _ => {}
    }
    update(state, Action::Accept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::harness::Harness;

    const SCREEN: Rect = Rect::new(0, 0, 140, 40);

    fn click_at(harness: &mut Harness, place: Rect) -> bool {
        let layout = Layout::new(SCREEN, &harness.state).unwrap();
        click(&mut harness.state, layout, place.as_position()).is_some()
    }

    #[test]
    fn tabs_and_hints_are_clicked() {
        let mut harness = Harness::finished(40);
        let layout = Layout::new(SCREEN, &harness.state).unwrap();
        for (screen, place) in bars::tabs(layout.header) {
            assert!(click_at(&mut harness, place));
            assert_eq!(harness.state.screen, screen);
            assert!(
                click_at(&mut harness, place) && harness.state.screen == screen,
                "a second click stays on the screen"
            );
        }
        harness.keys("esc");
        let fit = views::hints(layout.footer, &harness.state).into_iter().find(|hint| hint.action == Action::Mute);
        assert!(click_at(&mut harness, fit.unwrap().place) && harness.state.run().unwrap().mixer.is_muted(0));
        assert!(!click_at(&mut harness, layout.map), "clicks on the map are not handled here");
    }

    #[test]
    fn a_click_chooses_a_row_of_a_popup_and_a_click_outside_closes_it() {
        let mut harness = Harness::finished(40);
        harness.keys(": m u t e");
        let rows = layout::palette_choices(layout::palette(layout::body(SCREEN)));
        assert!(click_at(&mut harness, rows) && harness.state.run().unwrap().mixer.is_muted(0));
        harness.keys("p enter");
        let first = candidates(&harness.state, "")[1];
        let rows = layout::choices(layout::pool(layout::body(SCREEN)));
        assert!(click_at(&mut harness, Rect { y: rows.y + 1, ..rows }));
        let id = harness.state.task().unwrap().pool[first].id.clone();
        assert_eq!(harness.state.editor.as_ref().unwrap().demos[0].id, id);
        for keys in [":", "enter", "?"] {
            harness.keys("esc p").keys(keys);
            assert!(click_at(&mut harness, Rect::new(0, 1, 1, 1)) && harness.state.overlay.is_none(), "{keys}");
        }
    }
}
