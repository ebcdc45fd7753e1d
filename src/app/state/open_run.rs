//! An open run: its metadata, its attributions so far, and everything computed from them.

use std::sync::Arc;

use crate::{
    analysis::{ComponentStats, Fit, Kind, Method, Mix},
    attribution::{Attribution, Batch, Exactness, Split},
    component::{Component, Shape},
    run::{ModelMeta, PromptMeta, Run, RunMeta, TaskMeta},
    runner::{Demos, Plan, RunRequest},
    text::printable,
};

use super::{
    experiments::ExperimentResults,
    fit::{BaselineScores, Path},
    mixer::Mixer,
    open_split::{Item, OpenSplit},
};

/// Minimum number of examples to flag a component that predicts a single label before the run is complete.
const MIN_EXAMPLES_TO_FLAG: usize = 24;

/// Change of a prediction from the model to the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Both predict the same label.
    Same,
    /// The model is wrong and the mix is right.
    Fixed,
    /// The model is right and the mix is wrong.
    Broken,
    /// Both are wrong, with different labels.
    Other,
}

/// A run that is open in the explorer.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// Unique id, independent of the order of runs.
    pub id: u64,
    /// The request; `None` for explicit prompts.
    pub request: Option<RunRequest>,
    /// Model of the run.
    pub model: ModelMeta,
    /// Task, template and label words.
    pub task: TaskMeta,
    /// Demonstrations of the run.
    pub prompt: PromptMeta,
    /// Number of layers, heads and labels.
    pub shape: Shape,
    /// Training split, on which mixes are fitted.
    pub train: OpenSplit,
    /// Test split, on which accuracies are measured.
    pub test: OpenSplit,
    /// How closely the components add up to the logits, over the examples so far.
    pub exactness: Exactness,
    /// Metadata of the complete run; `None` while it is incomplete.
    pub meta: Option<RunMeta>,
    /// Component statistics on the complete test split.
    pub stats: Option<Vec<ComponentStats>>,
    /// Weights of the components.
    pub mixer: Mixer,
    /// The last fit.
    pub fit: Option<Fit>,
    /// Path of the last fit.
    pub path: Option<Path>,
    /// Last mix loaded from a file, with its method and penalty strength.
    pub loaded: Option<(Mix, (Method, f64))>,
    /// Scores of baselines and other methods, once requested.
    pub baselines: Option<BaselineScores>,
    /// Plan of the run, with all prompts.
    pub plan: Arc<Plan>,
    /// Experiment results.
    pub results: ExperimentResults,
    /// The other open runs and what their components do on average; `None` if fewer than two are comparable, or the run
    /// is not the shown one.
    pub others: Option<OtherRuns>,
}

/// The runs that a run can be compared with, taken together.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherRuns {
    /// Their ids.
    pub runs: Vec<u64>,
    /// Mean accuracy of every component over them, `[C]`.
    pub accuracy: Vec<f64>,
}

impl OpenRun {
    /// Creates an open run without results from a plan.
    pub fn planned(id: u64, request: RunRequest, plan: Plan) -> Self {
        let shared_plan = Arc::new(plan.clone());
        let empty = |split| {
            let items = plan.split(split).iter().map(Item::from).collect();
            OpenSplit::new(items, plan.table(split))
        };
        Self {
            id,
            request: Some(request),
            train: empty(Split::Train),
            test: empty(Split::Test),
            shape: plan.shape,
            exactness: Exactness::default(),
            meta: None,
            stats: None,
            mixer: Mixer::new(plan.shape.components()),
            fit: None,
            path: None,
            loaded: None,
            baselines: None,
            results: ExperimentResults::default(),
            others: None,
            plan: shared_plan,
            model: plan.model,
            task: plan.task,
            prompt: plan.prompt,
        }
    }

    /// Creates a complete open run from a saved one.
    pub fn saved(id: u64, run: Run) -> Self {
        let (shape, plan) = (run.test.shape(), Arc::new(Plan::from_run(&run)));
        let items = |split| run.examples.iter().filter(|record| record.split == split).map(Item::from).collect();
        let (train, test) = (items(Split::Train), items(Split::Test));
        Self {
            id,
            request: run.meta.request.clone(),
            model: run.meta.model.clone(),
            task: run.meta.task.clone(),
            prompt: run.meta.prompt.clone(),
            shape,
            train: OpenSplit::new(train, run.train),
            test: OpenSplit::new(test, run.test),
            exactness: run.meta.exactness,
            meta: Some(run.meta),
            stats: None,
            mixer: Mixer::new(shape.components()),
            fit: None,
            path: None,
            loaded: None,
            baselines: None,
            results: ExperimentResults::default(),
            others: None,
            plan,
        }
    }

    /// Whether this is the complete run that was saved as `run`: the same examples and results.
    pub fn is_of(&self, run: &Run) -> bool {
        let what = |meta: &RunMeta| (meta.model.clone(), meta.task.clone(), meta.prompt.clone());
        let ids = run.examples.iter().filter(|record| record.split == Split::Test).map(|record| &record.id);
        self.meta.as_ref().is_some_and(|meta| what(meta) == what(&run.meta))
            && self.test.items.iter().map(|item| &item.id).eq(ids)
            && (&*self.test.table, &*self.train.table) == (&run.test, &run.train)
    }

    /// Adds the next examples.
    pub fn push(&mut self, split: Split, batch: &Batch) {
        let target = match split {
            Split::Train => &mut self.train,
            Split::Test => &mut self.test,
        };
        Arc::make_mut(&mut target.table).push(batch);
        target.update(&self.mixer);
        let shape = target.table.words().shape();
        self.exactness = self.exactness.merge(measure(shape, batch));
    }

    /// Completes the run.
    pub fn finish(&mut self, meta: RunMeta) {
        self.exactness = meta.exactness;
        self.meta = Some(meta);
    }

    /// Recomputes predictions from the current weights.
    pub fn update_predictions(&mut self) {
        self.train.update(&self.mixer);
        self.test.update(&self.mixer);
    }

    /// Whether all examples are computed.
    pub const fn is_complete(&self) -> bool {
        self.meta.is_some()
    }

    /// Returns a split.
    pub const fn split(&self, split: Split) -> &OpenSplit {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Returns the kind of a component. Before its statistics are known, only label bias is flagged.
    pub fn kind(&self, component: usize) -> Option<Kind> {
        match &self.stats {
            Some(stats) => stats.get(component).map(|stats| stats.kind),
            None if self.test.tally.len() < MIN_EXAMPLES_TO_FLAG => None,
            None => self.test.tally.only_label(component).map(|_| Kind::LabelBiased),
        }
    }

    /// Returns the statistics of a component, once computed.
    pub fn stats_of(&self, component: usize) -> Option<&ComponentStats> {
        self.stats.as_ref()?.get(component)
    }

    /// Returns the predictions of the mix if it is on, else of the model.
    pub fn predictions(&self, split: Split) -> &[usize] {
        let split = self.split(split);
        if self.mixer.on { split.mixed.predictions() } else { split.tally.full_predictions() }
    }

    /// Returns the accuracy of the mix if it is on, else of the model.
    pub fn accuracy(&self, split: Split) -> Option<f64> {
        let split = self.split(split);
        if self.mixer.on { split.mixed.accuracy() } else { split.tally.full_accuracy() }
    }

    /// Returns how the mix changes the prediction for a test example.
    pub fn change(&self, example: usize) -> Change {
        let test = &self.test;
        let (model, mix) = (test.tally.full_predictions().get(example), test.mixed.predictions().get(example));
        let (Some(&model), Some(&mix)) = (model, mix) else {
            return Change::Same;
        };
        match test.items[example].gold {
            _ if model == mix => Change::Same,
            gold if mix == gold => Change::Fixed,
            gold if model == gold => Change::Broken,
            _ => Change::Other,
        }
    }

    /// Returns the number of test examples with this change.
    pub fn changes(&self, change: Change) -> usize {
        (0..self.test.tally.len()).filter(|&example| self.change(example) == change).count()
    }

    /// Returns the name of a component.
    pub fn name(&self, component: usize) -> Component {
        self.shape.component(component)
    }

    /// Returns the name of a channel of the mixer: that of a component, or `rest`.
    pub fn channel_name(&self, channel: usize) -> String {
        if channel == self.mixer.rest_channel() { "rest".to_owned() } else { self.name(channel).to_string() }
    }

    /// Returns the short name of the model: the last part of its path or hub id.
    pub fn model_name(&self) -> String {
        model_name(&self.model.id)
    }

    /// Returns a short name of the run: `sst2 review demos 1`.
    pub fn short_name(&self) -> String {
        let (task, template) = (printable(&self.task.name), printable(&self.task.template));
        format!("{task} {template} {}", self.demos_name())
    }

    /// Returns the short name of the demonstrations.
    pub fn demos_name(&self) -> String {
        let drawn = Demos::Balanced;
        demos_name(self.request.as_ref().map_or(&drawn, |request| &request.demos), self.prompt.demo_seed)
    }

    /// Returns the name of a label for display: its word without the leading space, or of several the class's name.
    pub fn label(&self, label: usize) -> String {
        let word = self.task.class_names().get(label).map_or("?", String::as_str);
        printable(word).trim().to_owned()
    }
}

/// Returns the short name of a model: the last part of its path or hub id.
pub fn model_name(id: &str) -> String {
    let id = id.trim_end_matches(['/', '\\']);
    printable(id.rsplit(['/', '\\']).next().unwrap_or(id)).into_owned()
}

/// Returns a short name of demonstrations: `demos` and the seed, or `edited` and the start of their hash.
pub fn demos_name(demos: &Demos, seed: u64) -> String {
    match demos {
        Demos::Listed(listed) => {
            let hash = blake3::hash(format!("{listed:?}").as_bytes()).to_hex();
            format!("edited {}", &hash[..3])
        }
        Demos::Balanced | Demos::Unbalanced => format!("demos {seed}"),
    }
}

/// Measures the exactness of one batch.
fn measure(shape: Shape, batch: &Batch) -> Exactness {
    let mut table = Attribution::new(shape, vec![0; batch.examples]);
    table.push(batch);
    table.exactness()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn a_saved_run_equals_the_run_as_computed() {
        let request = fixture::request();
        let mut computed = OpenRun::planned(0, request.clone(), fixture::plan(fixture::SHAPE, &request, 40));
        computed.push(Split::Train, &fixture::batch(fixture::SHAPE, 1000, 1020));
        for from in [0, 16, 32] {
            computed.push(Split::Test, &fixture::batch(fixture::SHAPE, from, (from + 16).min(40)));
        }
        let saved = OpenRun::saved(1, fixture::run(&request, 40));
        assert!(computed.test.table == saved.test.table);
        let texts = |run: &OpenRun| run.test.items.iter().map(|item| item.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&computed), texts(&saved));
        assert_eq!(computed.predictions(Split::Test), saved.predictions(Split::Test));
        assert_eq!(computed.kind(0), Some(Kind::LabelBiased));
        assert_eq!(computed.kind(1), None);
    }

    #[test]
    fn changes_explain_the_accuracy_of_the_mix() {
        let mut run = OpenRun::saved(0, fixture::run(&fixture::request(), 40));
        assert_eq!(run.changes(Change::Same), 40);
        (0..72).for_each(|component| run.mixer.invert(&[component]));
        run.update_predictions();
        let (fixed, broken) = (run.changes(Change::Fixed), run.changes(Change::Broken));
        assert!(broken > 0 && run.mixer.on);
        let model = run.test.tally.full_accuracy().unwrap();
        let mix = run.accuracy(Split::Test).unwrap();
        assert!((mix - model - (fixed as f64 - broken as f64) / 40.0).abs() < 1e-12);
        run.mixer.on = false;
        assert_eq!(run.accuracy(Split::Test), Some(model));
    }

    #[test]
    fn control_characters_in_data_are_removed() {
        let request = fixture::request();
        let mut plan = fixture::plan(fixture::SHAPE, &request, 1);
        plan.test[0].text = "a\x1b[2Jb".to_owned();
        plan.task.label_words[0] = " ne\x07g".to_owned();
        let run = OpenRun::planned(0, request, plan);
        assert_eq!((run.test.items[0].text.as_str(), run.label(0).as_str()), ("a[2Jb", "neg"));
    }
}
