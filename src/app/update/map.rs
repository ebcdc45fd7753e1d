//! Actions on the map and the ranking.

use crate::app::{
    action::Action,
    effect::Effect,
    state::{State, list::rows_of},
};

use super::selection::walk_list;

/// Handles the actions of this screen: in the ranking, the cursor moves along the ranks.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Up | Action::Down | Action::Top | Action::Bottom if state.ranked => {
            let ranks = state.order.clone();
            walk_list(state, &ranks, rows_of(action, 0)?);
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Clears the filters of components and examples.
pub(super) fn show_all(state: &mut State) {
    state.kinds = None;
    state.example_list.label = None;
    state.example_list.needle.clear();
}
