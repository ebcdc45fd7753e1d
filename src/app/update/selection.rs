//! Actions on the cursor, the marks and the kind filter.

use crate::{
    analysis::Kind,
    app::{
        action::Action,
        state::{Severity, State, lent_quantity::LentQuantity, list::moved, metric::Metric},
    },
};

/// Kinds in the order of the filter.
const KINDS: [Kind; 4] = [Kind::Good, Kind::Bad, Kind::LabelBiased, Kind::Neutral];

/// Moves the cursor of the map.
pub(super) fn move_cursor(state: &mut State, action: Action) {
    match action {
        Action::Left => walk(state, 0, -1),
        Action::Right => walk(state, 0, 1),
        Action::Up => walk(state, 1, 0),
        Action::Down => walk(state, -1, 0),
        Action::RowStart => walk(state, 0, isize::MIN),
        Action::RowEnd => walk(state, 0, isize::MAX),
        Action::Top => walk(state, isize::MAX, 0),
        Action::Bottom => walk(state, isize::MIN, 0),
        Action::Best => extreme(state, 1.0),
        Action::Worst => extreme(state, -1.0),
        Action::NextGood => next_of_kind(state, Kind::Good, "good"),
        Action::NextBad => next_of_kind(state, Kind::Bad, "bad"),
        _ => next_of_kind(state, Kind::LabelBiased, "label-biased"),
    }
}

/// Moves the cursor by `rows` along a list of channels, or to the first channel if it is not in the list.
pub(super) fn walk_list(state: &mut State, channels: &[usize], rows: isize) {
    let at = channels.iter().position(|&channel| Some(channel) == state.channel());
    if let Some(&channel) = channels.get(at.map_or(0, |at| moved(at, rows, channels.len()))) {
        select_channel(state, channel);
    }
}

/// Selects a channel of the mixer.
pub fn select_channel(state: &mut State, channel: usize) {
    match state.run().map(|run| run.mixer.rest_channel()) {
        Some(rest) if rest == channel => state.fit_controls.on_rest = true,
        Some(_) => state.select(channel),
        None => {}
    }
}

/// Moves the cursor up to the edge; positive `layers` move up.
fn walk(state: &mut State, layers: isize, columns: isize) {
    let Some(shape) = state.run().map(|run| run.shape) else { return };
    let cursor = &mut state.cursor;
    cursor.layer = cursor.layer.min(shape.layers - 1).saturating_add_signed(layers).min(shape.layers - 1);
    cursor.column = cursor.column.min(shape.heads).saturating_add_signed(columns).min(shape.heads);
}

/// Selects the visible component with the largest value, or the smallest if `sign` is negative; ties go to the first.
fn extreme(state: &mut State, sign: f64) {
    let shown = state.map.values.iter().enumerate().filter(|(index, _)| state.shows(*index));
    let known = shown.filter_map(|(index, value)| Some((index, (*value)? * sign)));
    let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
    if let Some((index, _)) = best {
        state.select(index);
    }
}

/// Selects the next component of a kind.
fn next_of_kind(state: &mut State, kind: Kind, name: &str) {
    let (Some(run), Some(selected)) = (state.run(), state.selected()) else { return };
    let count = run.shape.components();
    let mut others = (1..=count).map(|step| (selected + step) % count);
    match others.find(|&component| run.kind(component) == Some(kind)) {
        Some(component) => state.select(component),
        None if run.stats.is_none() => state.notify(Severity::Plain, "kinds are known once the run is complete"),
        None => state.notify(Severity::Plain, format!("no component is {name}")),
    }
}

/// Colours the map by a quantity.
pub(super) fn choose_quantity(state: &mut State, metric: Metric) {
    state.map.metric = metric;
    if state.lent_quantity != LentQuantity::None {
        state.lent_quantity = LentQuantity::Chosen;
    }
}

/// Marks the channels of an action, or unmarks them if all are marked.
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

/// Filters by the next kind that occurs; after the last one, shows all components.
pub(super) fn next_kind(state: &mut State) {
    let Some(run) = state.run() else { return };
    if run.stats.is_none() {
        state.notify(Severity::Plain, "kinds are known once the run is complete");
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
