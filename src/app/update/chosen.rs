//! What a chosen entry of the palette does.

use crate::app::{
    action::{Action, Section},
    effect::Effect,
    screen::SharedKeys,
    state::{Screen, State, example_list::ExampleList, palette::PaletteEntry},
};

use super::{models, requests, selection};

/// Whether an action changes or shows something of a run.
pub(super) const fn needs_run(action: Action) -> bool {
    match action.section() {
        Section::Mix => !matches!(action, Action::Method | Action::Positions | Action::Fill),
        Section::Prompt => true,
        Section::Cursor => matches!(
            action,
            Action::Mark | Action::MarkLayer | Action::MarkColumn | Action::MarkAll | Action::Best | Action::Worst
        ),
        Section::View => matches!(
            action,
            Action::Metric
                | Action::PreviousMetric
                | Action::Ranking
                | Action::Zoom
                | Action::Detail
                | Action::Kinds
                | Action::OtherRun
                | Action::ChooseOther
                | Action::SwapRuns
                | Action::Filter
                | Action::FilterLabel
                | Action::Search
                | Action::FullPrompt
        ),
        Section::Run => false,
        Section::Program => matches!(action, Action::Copy),
    }
}

/// Carries out an entry that is no action.
pub(super) fn choose(state: &mut State, entry: PaletteEntry) -> Vec<Effect> {
    match entry {
        PaletteEntry::Action(_) => {}
        PaletteEntry::Component(component) => {
            state.select(component);
            let shows = state.screen.shared_keys().contains(&SharedKeys::Cursor) || state.screen == Screen::Mixer;
            if !shows {
                state.screen = Screen::Map;
            }
        }
        PaletteEntry::Quantity(metric) => selection::choose_quantity(state, metric),
        PaletteEntry::Run(id) => {
            if let Some(index) = state.runs.iter().position(|run| run.id == id) {
                state.running.is_followed = false;
                state.show(index);
            }
        }
        PaletteEntry::CompareWith(id) => state.other = Some(id),
        PaletteEntry::Task(name) => return requests::to_task(state, &name),
        PaletteEntry::Template(name) => return requests::to_template(state, name),
        PaletteEntry::Model(name) => return models::open(state, &name),
        PaletteEntry::Shots(shots) => return requests::to_shots(state, shots),
        PaletteEntry::Example(example) => {
            state.screen = Screen::Examples;
            if !state.example_list.rows.contains(&example) {
                state.example_list = ExampleList { prompt: state.example_list.prompt, ..ExampleList::default() };
                state.refresh();
            }
            let row = state.example_list.rows.iter().position(|&row| row == example);
            state.example_list.go(row.unwrap_or(0));
        }
    }
    Vec::new()
}
