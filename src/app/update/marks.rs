//! Which components are marked, and of which kind those are that are shown.

use crate::{
    analysis::Kind,
    app::{
        action::Action,
        state::{State, Tone},
    },
};

/// The kinds, in the order they are shown alone.
const KINDS: [Kind; 4] = [Kind::Good, Kind::Bad, Kind::LabelBiased, Kind::Neutral];

/// Marks what `action` names; if all of it is marked, unmarks it.
pub(super) fn mark(state: &mut State, action: Action) {
    let (Some(sheet), Some(selected)) = (state.sheet(), state.selected()) else { return };
    let columns = sheet.shape.heads + 1;
    let strips: Vec<usize> = match action {
        Action::Mark => state.strip().into_iter().collect(),
        Action::MarkAll => state.order.clone(),
        _ => {
            let along = |c: usize| if action == Action::MarkLayer { c / columns } else { c % columns };
            let all = 0..sheet.shape.components();
            all.filter(|&c| along(c) == along(selected) && state.shows(c)).collect()
        }
    };
    if strips.iter().all(|strip| state.marks.contains(strip)) {
        state.marks.retain(|strip| !strips.contains(strip));
    } else {
        state.marks.extend(strips);
    }
}

/// Shows the next kind only, or all again.
pub(super) fn next_kind(state: &mut State) {
    let Some(sheet) = state.sheet() else { return };
    if sheet.stats.is_none() {
        state.notify(Tone::Plain, "kinds are known when the run is complete");
        return;
    }
    let after = state.kinds.map_or(0, |kind| KINDS.iter().position(|&other| other == kind).map_or(0, |at| at + 1));
    let there = |kind: &Kind| (0..sheet.shape.components()).any(|component| sheet.kind(component) == Some(*kind));
    state.kinds = KINDS.into_iter().skip(after).find(there);
    if let (Some(kind), Some(selected)) = (state.kinds, state.selected()) {
        let sheet = state.sheet();
        let count = sheet.map_or(0, |sheet| sheet.shape.components());
        let of_kind = |&c: &usize| sheet.is_some_and(|sheet| sheet.kind(c) == Some(kind));
        if let Some(first) = (0..count).map(|step| (selected + step) % count).find(of_kind) {
            state.select(first);
        }
    }
}
