//! Where the cursor goes, what is marked, and what of it is shown.

use crate::{
    analysis::Kind,
    app::{
        action::Action,
        state::{Screen, Severity, State},
    },
};

/// The kinds, in the order they are shown alone.
const KINDS: [Kind; 4] = [Kind::Good, Kind::Bad, Kind::LabelBiased, Kind::Neutral];

/// Moves down the list of components; at the mixer `rest` stands above them.
pub(super) fn walk_ranks(state: &mut State, rows: isize) {
    let rest = state.run().map(|run| run.mixer.rest_channel());
    let listed: Vec<usize> =
        if state.screen == Screen::Mixer { state.channels().collect() } else { state.order.clone() };
    let at = listed.iter().position(|&channel| Some(channel) == state.channel());
    let next = at.map_or(0, |at| at.saturating_add_signed(rows)).min(listed.len().saturating_sub(1));
    match listed.get(next) {
        Some(&channel) if Some(channel) == rest => state.fit_controls.on_rest = true,
        Some(&component) => state.select(component),
        None => {}
    }
}

/// Moves the cursor and stops at the edge. Layers count upwards, as the residual stream flows.
pub(super) fn walk(state: &mut State, layers: isize, columns: isize) {
    let Some(shape) = state.run().map(|run| run.shape) else { return };
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
    let (Some(run), Some(selected)) = (state.run(), state.selected()) else { return };
    let count = run.shape.components();
    let mut others = (1..=count).map(|step| (selected + step) % count);
    match others.find(|&component| run.kind(component) == Some(kind)) {
        Some(component) => state.select(component),
        None if run.stats.is_none() => state.notify(Severity::Plain, "kinds are known when the run is complete"),
        None => state.notify(Severity::Plain, format!("no component is {name} here")),
    }
}

/// Moves in the list of the screen.
pub(super) fn step(state: &mut State, rows: isize) {
    if state.screen == Screen::Mixer {
        walk_ranks(state, rows);
    } else if state.screen == Screen::Compare {
        let last = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len().saturating_sub(1));
        state.flip = state.flip.saturating_add_signed(rows).min(last);
    } else {
        state.example_list.step(rows);
    }
}

/// Marks what `action` names; if all of it is marked, unmarks it.
pub(super) fn mark(state: &mut State, action: Action) {
    let (Some(run), Some(selected)) = (state.run(), state.selected()) else { return };
    let columns = run.shape.heads + 1;
    let channels: Vec<usize> = match action {
        Action::Mark => state.channel().into_iter().collect(),
        Action::MarkAll => state.order.clone(),
        _ => {
            let along = |c: usize| if action == Action::MarkLayer { c / columns } else { c % columns };
            let all = 0..run.shape.components();
            all.filter(|&c| along(c) == along(selected) && state.shows(c)).collect()
        }
    };
    if channels.iter().all(|channel| state.marks.contains(channel)) {
        state.marks.retain(|channel| !channels.contains(channel));
    } else {
        state.marks.extend(channels);
    }
}

/// Shows the next kind only, or all again.
pub(super) fn next_kind(state: &mut State) {
    let Some(run) = state.run() else { return };
    if run.stats.is_none() {
        state.notify(Severity::Plain, "kinds are known when the run is complete");
        return;
    }
    let after = state.kinds.map_or(0, |kind| KINDS.iter().position(|&other| other == kind).map_or(0, |at| at + 1));
    let there = |kind: &Kind| (0..run.shape.components()).any(|component| run.kind(component) == Some(*kind));
    state.kinds = KINDS.into_iter().skip(after).find(there);
    if let (Some(kind), Some(selected)) = (state.kinds, state.selected()) {
        let run = state.run();
        let count = run.map_or(0, |run| run.shape.components());
        let of_kind = |&c: &usize| run.is_some_and(|run| run.kind(c) == Some(kind));
        if let Some(first) = (0..count).map(|step| (selected + step) % count).find(of_kind) {
            state.select(first);
        }
    }
}

/// Shows only the examples of the next gold label, after the last one all again.
pub(super) fn filter_label(state: &mut State) {
    let Some(labels) = state.run().map(|run| run.shape.labels) else { return };
    state.example_list.label =
        Some(state.example_list.label.map_or(0, |label| label + 1)).filter(|&label| label < labels);
}

/// Scrolls the prompt of the example that is opened.
pub(super) fn scroll(state: &mut State, action: Action) {
    let below = state.example_list.prompt.unwrap_or(0);
    let page = state.page;
    let next = if action == Action::PageUp { below + page } else { below.saturating_sub(page) };
    state.example_list.prompt = Some(next);
}
