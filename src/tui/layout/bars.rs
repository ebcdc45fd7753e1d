//! Clickable parts of the header and the footer: tabs and hints.

use ratatui::layout::Rect;

use crate::app::{Action, KeyContext, Screen, State, state::Overlay};

/// Least width of a header with tabs: their titles, and as many columns for the names of the run.
const TABS_WIDTH: u16 = 112;

/// Actions with a hint on every screen, on the right.
const ALWAYS: [Action; 3] = [Action::Palette, Action::Help, Action::Quit];

/// Hint of the footer: a key and its action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Action of the key.
    pub action: Action,
    /// Key, as the help shows it.
    pub key: String,
    /// Position in the footer.
    pub place: Rect,
}

/// Returns the tabs of the header with their positions; none if they do not fit.
pub fn tabs(header: Rect) -> Vec<(Screen, Rect)> {
    if header.width < TABS_WIDTH {
        return Vec::new();
    }
    let mut right = header.right();
    let place = |screen: Screen| {
        let width = screen.title().len() as u16 + 2;
        right -= width;
        (screen, Rect { x: right, width, ..header })
    };
    Screen::ALL.iter().copied().rev().map(place).collect()
}

/// Returns the hints of the footer: the actions of the screen, `on_screen`, from the left as far as they fit, and the
/// global ones on the right.
pub fn hints(footer: Rect, state: &State, on_screen: &[Action]) -> Vec<Hint> {
    let here = state.key_context();
    let hint = |action: Action| {
        let key = state.keymap.keys(here, action).into_iter().next()?;
        let width = (key.chars().count() + action.name().len() + 3) as u16;
        Some(Hint { action, key, place: Rect { width, ..footer } })
    };
    let mut always: Vec<Hint> = ALWAYS.into_iter().filter_map(hint).collect();
    let mut right = footer.right();
    for hint in always.iter_mut().rev() {
        right = right.saturating_sub(hint.place.width);
        hint.place.x = right;
    }
    let mut left = footer.x + 1;
    let mut fits = |hint: &mut Hint| {
        hint.place.x = left;
        left += hint.place.width;
        left < right
    };
    let useful = useful(state, on_screen).iter().copied().filter(|&action| applies(state, action)).filter_map(hint);
    let mut hints: Vec<Hint> = useful.collect();
    let shown = hints.iter_mut().map(&mut fits).take_while(|&fits| fits).count();
    hints.truncate(shown);
    hints.into_iter().chain(always).collect()
}

/// Returns whether an action has something to act on.
fn applies(state: &State, action: Action) -> bool {
    match action {
        Action::OtherRun => state.runs.len() > 2,
        Action::Cancel => state.is_moving(),
        Action::Undo | Action::ToggleMix => state.run().is_some_and(|run| !run.mixer.is_model()),
        _ => true,
    }
}

/// Returns the actions to hint at, the most useful first.
fn useful<'a>(state: &State, on_screen: &'a [Action]) -> &'a [Action] {
    match state.key_context() {
        KeyContext::Line if matches!(state.overlay, Some(Overlay::Line(_))) => {
            &[Action::Accept, Action::Close, Action::EraseWord, Action::Clear]
        }
        KeyContext::Line => &[Action::Down, Action::Up, Action::Accept, Action::Close],
        KeyContext::Help => {
            &[Action::Down, Action::Up, Action::PageDown, Action::PageUp, Action::Bottom, Action::Close]
        }
        KeyContext::Screen(_) => on_screen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::tests::harness::Harness, tui::views::hints};

    const FOOTER: Rect = Rect::new(0, 23, 80, 1);

    #[test]
    fn bars_never_overlap_and_never_leave_the_screen() {
        let mut harness = Harness::finished(40);
        for keys in ["", "d", "p", "e", "c", "M", "R", "?", "esc :", "esc d ctrl-s"] {
            harness.keys(keys);
            for width in [72, 80, 120, 200] {
                let footer = Rect { width, ..FOOTER };
                let mut places: Vec<Rect> = hints(footer, &harness.state).into_iter().map(|hint| hint.place).collect();
                places.extend(tabs(Rect { y: 0, ..footer }).into_iter().map(|(_, place)| place));
                for (i, a) in places.iter().enumerate() {
                    assert!(a.right() <= width, "{keys} {width}");
                    assert!(places[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{keys} {width}");
                }
            }
        }
    }

    #[test]
    fn every_hint_shows_a_key_of_its_action() {
        let mut harness = Harness::finished(40);
        for keys in ["", "d", "p", "e", "c", "M", "R", "?", "esc :", "esc d ctrl-s"] {
            let state = &harness.keys(keys).state;
            for hint in hints(Rect { width: 400, ..FOOTER }, state) {
                let keys = state.keymap.keys(state.key_context(), hint.action);
                assert!(keys.contains(&hint.key), "{hint:?}");
            }
        }
        let names =
            |harness: &Harness| hints(FOOTER, &harness.state).iter().map(|h| h.action.name()).collect::<Vec<_>>();
        assert_eq!(names(&harness)[..2], ["accept", "close"], "an input line has no rows to move in");
        harness.keys("esc esc");
        assert!(!names(&harness).contains(&"on-off"), "there is no mix to switch on");
        assert!(names(harness.keys("m")).contains(&"on-off"));
    }
}
