//! Derived state, updated after each change so that drawing computes nothing.

use crate::analysis::compare::column_means;

use super::{
    Map, Screen, Severity, State,
    comparison::{RunComparison, comparable},
    lent_quantity::LentQuantity,
    margin::MarginBreakdown,
    metric::Metric,
    open_run::{OpenRun, OtherRuns},
};

impl State {
    /// Updates all derived state.
    pub(crate) fn refresh(&mut self) {
        self.refresh_others();
        self.leave_unknown_quantity();
        let Some(run) = self.runs.get(self.current) else { return };
        let metric = self.map.metric;
        let components = run.shape.components();
        let values: Vec<Option<f64>> = (0..components).map(|c| metric.value(run, c)).collect();
        self.map = Map { metric, scale: metric.scale(run.shape.labels, &values), values };
        self.example_list.refresh(run);
        let opened = self.example_list.rows.get(self.example_list.at).filter(|_| self.screen == Screen::Examples);
        self.breakdown = opened.and_then(|&example| MarginBreakdown::new(run, example));
        if self.fit_controls.dragged.is_none() {
            self.fit_controls.span = run.mixer.span();
        }
        self.marks.retain(|&channel| channel <= components);
        self.refresh_order(components);
        self.refresh_comparison();
    }

    /// Shows the first quantity if the shown run does not have the chosen one, and says so.
    fn leave_unknown_quantity(&mut self) {
        let before = self.map.metric;
        let is_unknown = self.runs.get(self.current).is_some_and(|run| !before.is_known(run));
        if !is_unknown || self.experiments.is_busy() {
            return;
        }
        self.map.metric = Metric::default();
        if self.lent_quantity == LentQuantity::None {
            let (now, title, why) = (self.map.metric.title(), before.title(), before.lacks());
            let text = format!("the map shows {now}, not {title}: {why}");
            let said = self.notice.take().map_or_else(String::new, |notice| format!("{}; ", notice.text));
            self.notify(Severity::Plain, said + &text);
        }
    }

    /// Averages the runs that the shown one can be compared with, if there are at least two and they changed.
    fn refresh_others(&mut self) {
        let Some(shown) = self.run() else { return };
        let is_other = |run: &&OpenRun| run.id != shown.id && run.is_complete() && comparable(run, shown);
        let others: Vec<&OpenRun> = self.runs.iter().filter(is_other).collect();
        let ids: Vec<u64> = others.iter().map(|run| run.id).collect();
        if shown.others.as_ref().is_some_and(|known| known.runs == ids) {
            return;
        }
        let accuracies: Vec<Vec<f64>> = others.iter().map(|run| run.test.tally.accuracies()).collect();
        let now = (accuracies.len() > 1).then(|| OtherRuns { runs: ids, accuracy: column_means(&accuracies) });
        let current = self.current;
        for (index, run) in self.runs.iter_mut().enumerate() {
            run.others = now.clone().filter(|_| index == current);
        }
    }

    /// Ranks the visible components. The mixer keeps its order by weight, so that a fader does not jump while it moves.
    fn refresh_order(&mut self, components: usize) {
        let shown: Vec<usize> = (0..components).filter(|&component| self.shows(component)).collect();
        let mut before = self.order.clone();
        before.sort_unstable();
        if self.screen == Screen::Mixer && self.map.metric == Metric::Weight && before == shown {
            return;
        }
        self.order = shown;
        self.order.sort_by(|&a, &b| {
            let value = |index: usize| self.map.values[index].unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a))
        });
    }

    /// Recomputes the comparison if its runs have changed, and its quantity in any case.
    fn refresh_comparison(&mut self) {
        let before = self.comparison.take();
        let (Some(a), Some(b)) = (self.other_run(), self.run()) else { return };
        let same = |comparison: &RunComparison| (comparison.a, comparison.b) == (a.id, b.id);
        let now = match before {
            other if self.screen != Screen::Compare => other,
            Some(mut comparison) if same(&comparison) => {
                comparison.update(a, b, self.map.metric);
                Some(comparison)
            }
            _ => {
                let new = RunComparison::new(a, b, self.map.metric);
                self.flip = 0;
                new
            }
        };
        self.comparison = now;
    }
}
