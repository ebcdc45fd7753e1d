//! The selected component, and the components an action applies to.

use crate::{
    component::Component,
    jobs::{StoredContent, StoredRun},
    runner::{Demos, OnLeak, RunRequest, Selection},
};

use super::{Cursor, Screen, State, open_run::OpenRun, run_list::RunRow};

impl State {
    /// Returns the index of the component under the cursor.
    pub fn selected(&self) -> Option<usize> {
        let shape = self.run()?.shape;
        let (layer, column) = (self.cursor.layer.min(shape.layers - 1), self.cursor.column.min(shape.heads));
        Some(layer * (shape.heads + 1) + column)
    }

    /// Moves the cursor to a component.
    pub fn select(&mut self, component: usize) {
        if let Some(shape) = self.run().map(|run| run.shape) {
            let (layer, column) = (component / (shape.heads + 1), component % (shape.heads + 1));
            self.cursor = Cursor { layer, column };
            self.fit_controls.on_rest = false;
        }
    }

    /// Whether a component is visible under the kind filter.
    pub fn shows(&self, component: usize) -> bool {
        self.kinds.is_none() || self.run().is_some_and(|run| run.kind(component) == self.kinds)
    }

    /// Returns the channels of the mixer in listed order: `rest`, then the components.
    pub fn channels(&self) -> impl Iterator<Item = usize> {
        self.run().map(|run| run.mixer.rest_channel()).into_iter().chain(self.order.iter().copied())
    }

    /// Returns the channel under the cursor.
    pub fn channel(&self) -> Option<usize> {
        let on_rest = self.screen == Screen::Mixer && self.fit_controls.on_rest;
        if on_rest { Some(self.run()?.mixer.rest_channel()) } else { self.selected() }
    }

    /// Returns the channels an action applies to: the marked ones, or else the one under the cursor.
    pub fn targets(&self) -> Vec<usize> {
        if self.marks.is_empty() { self.channel().into_iter().collect() } else { self.marks.iter().copied().collect() }
    }

    /// Returns the name of the component under the cursor.
    pub fn selected_name(&self) -> Option<Component> {
        Some(self.run()?.name(self.selected()?))
    }

    /// Opens a screen, or returns to the map if it is open.
    pub fn toggle_screen(&mut self, screen: Screen) {
        self.screen = if self.screen == screen { Screen::Map } else { screen };
    }
}

/// Returns the index of the selected test example.
pub fn chosen_example(state: &State) -> Option<usize> {
    state.example_list.rows.get(state.example_list.at).copied()
}

/// Returns the indices of pool examples that are not in the prompt and contain `needle`, ignoring case.
pub fn candidates(state: &State, needle: &str) -> Vec<usize> {
    let (Some(editor), Some(task)) = (&state.editor, state.task()) else { return Vec::new() };
    let needle = needle.to_lowercase();
    let free = |index: &usize| {
        let example = &task.pool[*index];
        let text = || format!("{} {}", task.labels[example.label], example.summary()).to_lowercase();
        !editor.demos.iter().any(|demo| demo.id == example.id) && text().contains(&needle)
    };
    (0..task.pool.len()).filter(free).collect()
}

/// Returns the request with the edited demonstrations; `None` if they are unchanged.
pub fn edited_request(state: &State) -> Option<RunRequest> {
    let (editor, run) = (state.editor.as_ref()?, state.run()?);
    let changed = state.screen == Screen::Prompt && editor.run == run.id && editor.demos != run.prompt.demos;
    let request = run.request.clone().filter(|_| changed)?;
    // Edited demonstrations may repeat test examples, which are then left out.
    let selection = request.selection.map(|selection| Selection { on_leak: OnLeak::Drop, ..selection });
    Some(RunRequest { demos: Demos::Listed(editor.demos.clone()), selection, ..request })
}

/// Returns all rows of the list of runs, in listed order.
pub fn rows(state: &State) -> Vec<RunRow> {
    let in_progress = state.phase.is_busy().then_some(RunRow::InProgress);
    let queued = (0..state.run_list.queue.len()).map(RunRow::Queued);
    let filling = state.filling.filter(|_| state.phase.is_busy());
    let open = state.runs.iter().filter(|run| Some(run.id) != filling).map(|run| RunRow::Open(run.id));
    let stored = state.run_list.stored.iter().flatten().enumerate();
    let stored = stored.filter(|(_, run)| !is_open(state, run)).map(|(index, _)| RunRow::Stored(index));
    in_progress.into_iter().chain(queued).chain(open).chain(stored).collect()
}

/// Whether a stored run is open or in progress.
fn is_open(state: &State, run: &StoredRun) -> bool {
    let meta = match &run.content {
        StoredContent::Run(meta) => meta,
        StoredContent::Interrupted { prompt, task, template, model, done, total, .. } => {
            let same = |run: &OpenRun| {
                (&run.task.name, &run.task.template, &run.prompt) == (task, template, &**prompt)
                    && run.model.id == *model
            };
            return done == total || state.runs.iter().any(same);
        }
        StoredContent::Damaged(_) => return false,
    };
    let same = |run: &OpenRun| {
        let saved = run.meta.as_ref();
        saved.is_some_and(|saved| (&saved.model, &saved.task, &saved.prompt) == (&meta.model, &meta.task, &meta.prompt))
            && saved.map(|saved| (saved.examples, &saved.selection)) == Some((meta.examples, &meta.selection))
    };
    state.runs.iter().any(same)
}

/// Returns the request that produced the run of a row, if known.
pub fn request_of(state: &State, row: &RunRow) -> Option<RunRequest> {
    match row {
        RunRow::InProgress => state.running.request.clone(),
        RunRow::Queued(index) => state.run_list.queue.get(*index).cloned(),
        RunRow::Open(id) => state.runs.iter().find(|run| run.id == *id)?.request.clone(),
        RunRow::Stored(index) => match &state.run_list.stored.as_ref()?.get(*index)?.content {
            StoredContent::Run(meta) => meta.request.clone(),
            StoredContent::Interrupted { request, .. } => request.as_deref().cloned(),
            StoredContent::Damaged(_) => None,
        },
    }
}
