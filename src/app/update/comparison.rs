//! Actions on the comparison of two runs.

use crate::app::{
    action::Action,
    effect::Effect,
    state::{
        Overlay, Screen, Severity, State,
        comparison::{ComparisonView, comparable},
        list::{moved, rows_beside_map, rows_of},
        open_run::OpenRun,
        palette::{Palette, PaletteScope},
    },
};

use super::{copying, selection::walk_list};

/// Handles the actions of this screen, where lists contain flipped examples.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Ranking | Action::Metric | Action::PreviousMetric | Action::Zoom if state.comparison.is_none() => {
            explain_missing(state);
        }
        Action::Copy => return Some(copying::copy(state, cells(state))),
        Action::Ranking => state.comparison_view = state.comparison_view.next(),
        Action::ChooseOther => choose_other(state),
        Action::SwapRuns => swap(state),
        Action::ApplyOtherMix => apply_mix(state),
        Action::Best | Action::Worst => extreme(state, action == Action::Best),
        Action::Left | Action::Right | Action::Up | Action::Down | Action::Top | Action::Bottom
            if state.comparison_view != ComparisonView::Maps =>
        {
            step(state, action);
        }
        _ => {
            let count = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len());
            state.flip = moved(state.flip, rows_beside_map(action, state.page)?, count);
        }
    }
    Some(Vec::new())
}

/// Selects a flipped example.
pub const fn choose(state: &mut State, row: usize) {
    state.flip = row;
}

/// Toggles the comparison with the previous run, or with another one if that is not comparable.
pub(super) fn compare(state: &mut State) {
    state.toggle_screen(Screen::Compare);
    if state.screen == Screen::Compare && state.other_run().is_none() {
        next_other(state);
    }
}

/// Returns the complete open runs that the shown one can be compared with.
pub fn others(state: &State) -> Vec<&OpenRun> {
    let Some(shown) = state.run() else { return Vec::new() };
    let fits = |run: &&OpenRun| run.id != shown.id && run.is_complete() && comparable(run, shown);
    state.runs.iter().filter(fits).collect()
}

/// Compares with the next comparable open run.
pub(super) fn next_other(state: &mut State) {
    let others = others(state);
    let at = others.iter().position(|run| Some(run.id) == state.other);
    let next = others.get(at.map_or(0, |at| (at + 1) % others.len())).map(|run| run.id);
    let Some(id) = next else { return explain_alone(state) };
    if state.other.replace(id) == Some(id) {
        state.notify(Severity::Plain, "this is the only run to compare with");
    }
}

/// Says why nothing is compared.
fn explain_missing(state: &mut State) {
    if state.other_run().is_none() {
        return explain_alone(state);
    }
    state.notify(Severity::Plain, "they are compared when both runs are complete");
}

fn explain_alone(state: &mut State) {
    let seed = state.key_of(Action::NextSeed);
    state.notify(Severity::Plain, format!("no other comparable run is open: {seed} runs other demonstrations"));
}

/// Opens the list of runs to compare with.
fn choose_other(state: &mut State) {
    if others(state).is_empty() {
        return next_other(state);
    }
    state.overlay = Some(Overlay::Palette(Palette::of(PaletteScope::Others)));
}

/// Shows the other run, and compares it with the one that was shown.
fn swap(state: &mut State) {
    let Some((a, b)) = state.other_run().zip(state.run()).map(|(a, b)| (a.id, b.id)) else {
        return next_other(state);
    };
    if let Some(index) = state.runs.iter().position(|run| run.id == a) {
        state.show(index);
        state.other = Some(b);
        state.notify(Severity::Plain, "A and B are swapped");
    }
}

/// Loads the mix of A into the mixer of B.
fn apply_mix(state: &mut State) {
    let Some((mix, name)) = state.other_run().map(|a| (a.mixer.mix(), a.short_name())) else {
        return next_other(state);
    };
    let is_model = state.other_run().is_some_and(|a| a.mixer.is_model());
    if is_model {
        let (swap, fit) = (state.key_of(Action::SwapRuns), state.key_of(Action::Fit));
        return state.notify(Severity::Plain, format!("A has no mix: {swap} shows it, {fit} fits one"));
    }
    let undo = state.key_of(Action::Undo);
    if let Some(run) = state.run_mut() {
        run.mixer.load(&mix, &format!("mix of {name}"));
        run.update_predictions();
    }
    let test = state.run().map(|run| (run.test.mixed.accuracy().unwrap_or_default() * 100.0, run.test.items.len()));
    let (accuracy, n) = test.unwrap_or_default();
    state.notify(Severity::Good, format!("B has the mix of {name}: {accuracy:.1} % of {n}; {undo} undoes this"));
}

/// Selects the component with the largest or the smallest change.
fn extreme(state: &mut State, largest: bool) {
    let Some(comparison) = &state.comparison else { return };
    let known = comparison.quantities.change.iter().enumerate().filter_map(|(index, change)| Some((index, (*change)?)));
    let sign = if largest { 1.0 } else { -1.0 };
    let best = known.reduce(|best, next| if next.1 * sign > best.1 * sign { next } else { best });
    if let Some((index, _)) = best {
        state.select(index);
    }
}

/// Moves along the ranking, or from point to point of the scatter: left and right by the value in A, up and down by the
/// value in B.
fn step(state: &mut State, action: Action) {
    let Some(comparison) = &state.comparison else { return };
    let quantities = &comparison.quantities;
    let by_value = |side: &[Option<f64>]| {
        let mut order: Vec<usize> = (0..side.len()).filter(|&index| side[index].is_some()).collect();
        order.sort_by(|&a, &b| side[a].unwrap_or_default().total_cmp(&side[b].unwrap_or_default()));
        order
    };
    let (order, rows) = match (state.comparison_view, action) {
        (ComparisonView::Scatter, Action::Left) => (by_value(&quantities.sides[0]), -1),
        (ComparisonView::Scatter, Action::Right) => (by_value(&quantities.sides[0]), 1),
        (ComparisonView::Scatter, Action::Up) => (by_value(&quantities.sides[1]), 1),
        (ComparisonView::Scatter, Action::Down) => (by_value(&quantities.sides[1]), -1),
        (ComparisonView::Scatter, _) => return,
        (_, Action::Left) => (quantities.ranks.clone(), -1),
        (_, Action::Right) => (quantities.ranks.clone(), 1),
        _ => (quantities.ranks.clone(), rows_of(action, 0).unwrap_or(0)),
    };
    walk_list(state, &order, rows);
}

/// Returns the row to copy: the selected component, the quantity in both runs, and their difference.
fn cells(state: &State) -> Option<Vec<String>> {
    let (comparison, component) = (state.comparison.as_ref()?, state.selected()?);
    let quantities = &comparison.quantities;
    let (a, b) = (quantities.sides[0][component]?, quantities.sides[1][component]?);
    let name = state.run()?.name(component).to_string();
    Some(vec![name, format!("{a:.4}"), format!("{b:.4}"), format!("{:+.4}", b - a)])
}
