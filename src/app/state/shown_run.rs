//! Showing, adding and closing runs: what the user changed stays with its run.

use crate::runner::Demos;

use super::{
    State,
    demo_editor::Editor,
    edits::{KeptMix, SavedEdits},
    example_list::ExampleList,
    open_run::OpenRun,
};

/// Returns the name under which edits and the position of a run are stored: its model, task, template, number of shots
/// and demonstrations. Tasks of the same name with other data are other runs.
pub fn stored_name(run: &OpenRun) -> String {
    let hash: String = run.model.weights_hash.chars().take(16).collect();
    let digest = |what: String| blake3::hash(what.as_bytes()).to_hex()[..16].to_owned();
    let demos = match run.request.as_ref().map(|request| &request.demos) {
        Some(Demos::Listed(listed)) => digest(format!("{listed:?}")),
        _ => format!("{} {}", run.demos_name(), digest(format!("{:?}", run.prompt.demos))),
    };
    let loo = if run.request.as_ref().is_some_and(|request| request.loo) { "/loo" } else { "" };
    format!("{hash}/{}/{}/{} shots/{demos}{loo}", run.task.name, run.task.template, run.prompt.shots)
}

impl State {
    /// Shows another run and compares it with the previous one. Marks, filters and edited demonstrations stay with the
    /// run that is left.
    pub(crate) fn show(&mut self, index: usize) {
        if index == self.current && !self.runs.is_empty() {
            return;
        }
        self.keep_view();
        if let Some(before) = self.run().filter(|run| run.is_complete()).map(|run| run.id) {
            self.other = Some(before);
        }
        self.current = index;
        self.enter_run();
    }

    /// Adds a run with the mix that was kept for it, and returns its index.
    pub(crate) fn add_open_run(&mut self, mut run: OpenRun) -> usize {
        let kept = self.edits.get_mut(&stored_name(&run)).and_then(|edits| edits.mix.take());
        if let Some(kept) = kept.filter(|kept| kept.mixer.rest_channel() == run.shape.components()) {
            (run.mixer, run.fit, run.path, run.loaded) = (kept.mixer, kept.fit, kept.path, kept.loaded);
            run.update_predictions();
        }
        self.runs.push(run);
        if self.runs.len() == 1 {
            self.current = 0;
            self.enter_run();
        }
        self.runs.len() - 1
    }

    /// Closes the runs that `stays` rejects; their edits are kept. If the shown run is closed, the last one is shown.
    pub(crate) fn close_runs(&mut self, stays: impl Fn(&OpenRun) -> bool) {
        let shown = self.run().map(|run| run.id);
        self.keep_view();
        let (kept, closed): (Vec<OpenRun>, Vec<OpenRun>) = std::mem::take(&mut self.runs).into_iter().partition(stays);
        self.runs = kept;
        for run in &closed {
            self.keep_mix(run);
        }
        let at = self.runs.iter().position(|run| Some(run.id) == shown);
        self.current = at.unwrap_or(self.runs.len().saturating_sub(1));
        self.enter_run();
    }

    /// Returns the edits of all runs, to store between sessions.
    pub fn saved_edits(&self) -> Vec<(String, SavedEdits)> {
        let mut all = self.clone();
        all.keep_view();
        for run in &std::mem::take(&mut all.runs) {
            all.keep_mix(run);
        }
        let saved = all.edits.iter().map(|(name, edits)| (name.clone(), edits.saved()));
        saved.filter(|(_, edits)| *edits != SavedEdits::default()).collect()
    }

    fn keep_mix(&mut self, run: &OpenRun) {
        let mix = KeptMix {
            mixer: run.mixer.clone(),
            fit: run.fit.clone(),
            path: run.path.clone(),
            loaded: run.loaded.clone(),
        };
        self.edits.entry(stored_name(run)).or_default().mix = Some(mix);
    }

    /// Keeps the marks, the filters and the edited demonstrations of the shown run.
    fn keep_view(&mut self) {
        let Some(run) = self.run() else { return };
        let (name, id) = (stored_name(run), run.id);
        let editor = self.editor.clone().filter(|editor| editor.run == id);
        let edits = self.edits.entry(name).or_default();
        edits.marks.clone_from(&self.marks);
        edits.kinds = self.kinds;
        let list = &self.example_list;
        (edits.filter, edits.label, edits.needle) = (list.filter, list.label, list.needle.clone());
        if editor.is_some() {
            edits.editor = editor;
        }
    }

    /// Restores the marks, the filters and the edited demonstrations of the run that is now shown, which is also the run
    /// that the next switch starts from.
    fn enter_run(&mut self) {
        let Some(run) = self.runs.get(self.current) else { return };
        let edits = self.edits.get(&stored_name(run)).cloned().unwrap_or_default();
        let components = run.shape.components();
        self.marks = edits.marks.into_iter().filter(|&channel| channel <= components).collect();
        self.kinds = edits.kinds;
        let ExampleList { at, rows, prompt, .. } = std::mem::take(&mut self.example_list);
        self.example_list =
            ExampleList { filter: edits.filter, label: edits.label, needle: edits.needle, at, rows, prompt };
        let kept = edits.editor.or_else(|| edits.demos.map(|demos| Editor::new(run).with_demos(demos)));
        self.editor = match (self.editor.take(), kept) {
            (before, Some(kept)) => Some(kept.resumed(run.id, before.unwrap_or_default())),
            (Some(before), None) => Some(before.moved_to(run)),
            (None, None) => None,
        };
        let is_own = self.model_hash.as_ref() == Some(&run.model.weights_hash);
        if let (true, true, Some(request)) = (is_own, self.requested.is_some(), &run.request) {
            self.requested = Some(request.clone());
        }
    }
}
