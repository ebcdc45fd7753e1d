//! Where the cursor goes.

use crate::{
    analysis::Kind,
    app::state::{Screen, State, Tone},
};

/// Moves down the list of components; at the mixing desk `rest` stands above them.
pub(super) fn walk_ranks(state: &mut State, rows: isize) {
    let rest = state.sheet().map(|sheet| sheet.desk.rest_strip());
    let listed: Vec<usize> = if state.screen == Screen::Mix { state.strips().collect() } else { state.order.clone() };
    let at = listed.iter().position(|&strip| Some(strip) == state.strip());
    let next = at.map_or(0, |at| at.saturating_add_signed(rows)).min(listed.len().saturating_sub(1));
    match listed.get(next) {
        Some(&strip) if Some(strip) == rest => state.mixer.on_rest = true,
        Some(&component) => state.select(component),
        None => {}
    }
}

/// Moves the cursor and stops at the edge. Layers count upwards, as the residual stream flows.
pub(super) fn walk(state: &mut State, layers: isize, columns: isize) {
    let Some(shape) = state.sheet().map(|sheet| sheet.shape) else { return };
    let cursor = &mut state.cursor;
    cursor.layer = cursor.layer.min(shape.layers - 1).saturating_add_signed(layers).min(shape.layers - 1);
    cursor.column = cursor.column.min(shape.heads).saturating_add_signed(columns).min(shape.heads);
}

/// Goes to the largest value of the map, or to the smallest if `sign` is negative; the first one wins a tie.
pub(super) fn extreme(state: &mut State, sign: f64) {
    let shown = state.map.values.iter().enumerate().filter(|(index, _)| state.shows(*index));
    let known = shown.filter_map(|(index, value)| Some((index, (*value)? * sign)));
    let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
    if let Some((index, _)) = best {
        state.select(index);
    }
}

pub(super) fn next_of(state: &mut State, kind: Kind, name: &str) {
    let (Some(sheet), Some(selected)) = (state.sheet(), state.selected()) else { return };
    let count = sheet.shape.components();
    let mut others = (1..=count).map(|step| (selected + step) % count);
    match others.find(|&component| sheet.kind(component) == Some(kind)) {
        Some(component) => state.select(component),
        None if sheet.stats.is_none() => state.notify(Tone::Plain, "kinds are known when the run is complete"),
        None => state.notify(Tone::Plain, format!("no component is {name} here")),
    }
}

/// Moves in the list of the screen.
pub(super) fn step(state: &mut State, rows: isize) {
    if state.screen == Screen::Mix {
        walk_ranks(state, rows);
    } else if state.screen == Screen::Compare {
        let last = state.pairing.as_ref().map_or(0, |pairing| pairing.flips.len().saturating_sub(1));
        state.flip = state.flip.saturating_add_signed(rows).min(last);
    } else {
        state.listing.step(rows);
    }
}
