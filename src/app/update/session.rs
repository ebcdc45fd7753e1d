//! Opening runs, and saving and restoring the position in a run between sessions.

use serde::{Deserialize, Serialize};

use crate::{
    app::{
        effect::Effect,
        state::{Cursor, Screen, Severity, State, metric::Metric, open_run::OpenRun, shown_run::stored_name},
    },
    run::Run,
    runner::RunRequest,
    text::printable,
};

use super::{messages::next_stats, requests::start, screen_data::request_missing};

/// Position in a run, saved between sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    screen: String,
    layer: usize,
    column: usize,
    metric: String,
    ranked: bool,
    #[serde(default)]
    zoomed: bool,
}

impl State {
    /// Opens saved runs, and says if one has no checksums.
    pub fn open(&mut self, runs: Vec<Run>) -> Vec<Effect> {
        if let Some(run) = runs.iter().find(|run| !run.meta.has_checksums()) {
            let text = format!("{}: no checksums, so later changes to its files go unnoticed", run.meta.name());
            self.notify(Severity::Plain, printable(&text).into_owned());
        }
        self.open_checked(runs)
    }

    /// Opens runs of the store, which has its own checksums, and shows the last one. A run that is open already is not
    /// opened again.
    pub(super) fn open_checked(&mut self, runs: Vec<Run>) -> Vec<Effect> {
        let mut last = self.runs.len().saturating_sub(1);
        for run in runs {
            if let Some(at) = self.runs.iter().position(|open| open.is_of(&run)) {
                last = at;
                let name = self.runs[at].short_name();
                self.notify(Severity::Plain, format!("{name} is open already"));
                continue;
            }
            let id = self.new_id();
            last = self.add_open_run(OpenRun::saved(id, run));
        }
        self.show(last);
        self.refresh();
        next_stats(self)
    }

    /// Requests the first run, with the task's first template unless another is named.
    pub fn begin(&mut self, request: RunRequest) -> Vec<Effect> {
        let choice = self.choices.iter().find(|choice| choice.name == request.task);
        let first = choice.and_then(|choice| choice.templates.first()).cloned();
        start(self, RunRequest { template: request.template.clone().or(first), ..request })
    }

    /// Makes the request of the shown saved run the one from which others start.
    pub fn resume(&mut self, request: RunRequest) {
        self.model_hash = self.run().map(|run| run.model.weights_hash.clone());
        self.requested = Some(request);
    }

    /// Returns the name of the shown run for saved positions.
    pub fn run_name(&self) -> Option<String> {
        self.run().map(stored_name)
    }

    /// Returns the position in the shown run.
    pub fn remembered(&self) -> Remembered {
        Remembered {
            screen: self.screen.name().to_owned(),
            layer: self.cursor.layer,
            column: self.cursor.column,
            metric: self.own_metric().title().to_owned(),
            ranked: self.ranked,
            zoomed: self.zoomed,
        }
    }

    /// Restores the position in the shown run. Settings that no longer fit are skipped; screens that cannot be reopened
    /// become the map.
    pub fn restore(&mut self, remembered: &Remembered) -> Vec<Effect> {
        let Some(shape) = self.run().map(|run| run.shape) else { return Vec::new() };
        if remembered.layer < shape.layers && remembered.column <= shape.heads {
            self.cursor = Cursor { layer: remembered.layer, column: remembered.column };
        }
        let known = |metric: &Metric| self.run().is_some_and(|run| metric.is_known(run));
        self.map.metric = Metric::from_title(&remembered.metric).filter(known).unwrap_or_default();
        (self.ranked, self.zoomed) = (remembered.ranked, remembered.zoomed);
        self.screen = Screen::reopened(&remembered.screen);
        self.refresh();
        request_missing(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{fixture, harness::Harness};

    #[test]
    fn the_position_in_a_run_is_restored() {
        let mut left = Harness::finished(16);
        left.keys("k k l a v d");
        let remembered = left.state.remembered();
        let mut opened = Harness::finished(16);
        assert_eq!(opened.state.run_name(), left.state.run_name());
        opened.state.restore(&remembered);
        assert_eq!(opened.state.remembered(), remembered);
        assert_eq!(opened.state.selected(), left.state.selected());
        left.keys("s");
        left.run_to_end(16);
        assert_ne!(opened.state.run_name(), left.state.run_name());
    }

    #[test]
    fn other_runs_start_from_a_saved_one() {
        let mut harness = Harness::opened();
        harness.state.requested = None;
        harness.state.phase = crate::app::state::Phase::Idle;
        let request = fixture::request();
        harness.state.open(vec![fixture::run(&request, 16)]);
        harness.state.resume(request);
        harness.keys("s");
        assert_eq!(harness.requests.last().unwrap().demo_seed, 1);
        harness.run_to_end(16);
        assert_eq!(harness.state.runs.len(), 2);
        harness.keys("S");
        assert_eq!(harness.state.run().unwrap().prompt.demo_seed, 0, "the saved run is the one that was asked for");
        assert_eq!(harness.state.runs.len(), 2);
    }

    #[test]
    fn a_saved_run_without_checksums_is_announced() {
        let mut harness = Harness::finished(16);
        let saved = |seed| fixture::run(&RunRequest { demo_seed: seed, ..fixture::request() }, 16);
        harness.state.notice = None;
        harness.state.open(vec![saved(1)]);
        assert!(harness.state.notice.is_none());
        let mut run = saved(2);
        run.meta.checksum = None;
        harness.state.open(vec![run]);
        assert!(harness.state.notice.unwrap().text.contains("no checksums"));
    }

    #[test]
    fn settings_that_do_not_fit_are_skipped() {
        let mut harness = Harness::finished(16);
        let text = r#"{"screen":"compare","layer":99,"column":0,"metric":"none","ranked":false}"#;
        harness.state.restore(&serde_json::from_str(text).unwrap());
        assert_eq!(harness.state.selected(), Some(0));
        assert_eq!(harness.state.remembered().screen, "map");
    }
}
