//! One run as the screen reads it: what it is, its tables as far as they are filled, and what follows from them.

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

/// From this many examples on, a component that said one label only is flagged before the run is complete.
const ENOUGH_TO_FLAG: usize = 24;

/// What switching from the model to the mix does to an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Both say the same.
    Same,
    /// The model was wrong and the mix is right.
    Fixed,
    /// The model was right and the mix is wrong.
    Broken,
    /// Both are wrong, with different labels.
    Other,
}

/// One run on the screen.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// Tells runs apart, whatever happens to their order.
    pub id: u64,
    /// What was asked for; `None` for explicit prompts.
    pub request: Option<RunRequest>,
    /// The model.
    pub model: ModelMeta,
    /// The task, template and label words.
    pub task: TaskMeta,
    /// The demonstrations.
    pub prompt: PromptMeta,
    /// Layers, heads and labels.
    pub shape: Shape,
    /// The examples the mix is fitted on.
    pub train: OpenSplit,
    /// The examples accuracies are stated on.
    pub test: OpenSplit,
    /// How well the parts add up, over what is there.
    pub exactness: Exactness,
    /// What closes a run; `None` while it is incomplete.
    pub meta: Option<RunMeta>,
    /// Components judged on the complete test split.
    pub stats: Option<Vec<ComponentStats>>,
    /// The faders.
    pub mixer: Mixer,
    /// The last fit.
    pub fit: Option<Fit>,
    /// The method of the last fit at other strengths of its penalty.
    pub path: Option<Path>,
    /// The mix that was read from a file last, with its method and strength.
    pub loaded: Option<(Mix, (Method, f64))>,
    /// What the mix is held against, once that was asked for.
    pub baselines: Option<BaselineScores>,
    /// What made it, word for word.
    pub plan: Arc<Plan>,
    /// What was found out by asking the model again.
    pub results: ExperimentResults,
}

impl OpenRun {
    /// An empty run for a planned run.
    pub fn planned(id: u64, request: RunRequest, plan: Plan) -> Self {
        let kept = Arc::new(plan.clone());
        let side = |split| {
            let items = plan.split(split).iter().map(Item::from).collect();
            OpenSplit::new(items, Attribution::new(plan.shape, plan.gold(split)))
        };
        Self {
            id,
            request: Some(request),
            train: side(Split::Train),
            test: side(Split::Test),
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
            plan: kept,
            model: plan.model,
            task: plan.task,
            prompt: plan.prompt,
        }
    }

    /// A complete run for a run from disk.
    pub fn saved(id: u64, run: Run) -> Self {
        let (shape, plan) = (run.test.shape(), Arc::new(Plan::of(&run)));
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
            plan,
        }
    }

    /// Takes the next examples in.
    pub fn push(&mut self, split: Split, batch: &Batch) {
        let side = match split {
            Split::Train => &mut self.train,
            Split::Test => &mut self.test,
        };
        Arc::make_mut(&mut side.table).push(batch);
        side.update(&self.mixer);
        self.exactness = self.exactness.merge(measure(self.shape, batch));
    }

    /// Closes the run.
    pub fn finish(&mut self, meta: RunMeta) {
        self.exactness = meta.exactness;
        self.meta = Some(meta);
    }

    /// Brings predictions to where the faders stand.
    pub fn update_predictions(&mut self) {
        self.train.update(&self.mixer);
        self.test.update(&self.mixer);
    }

    /// Whether all examples are there.
    pub const fn is_complete(&self) -> bool {
        self.meta.is_some()
    }

    /// The split.
    pub const fn side(&self, split: Split) -> &OpenSplit {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// A component's kind: judged once the run is complete; before that only label bias is flagged.
    pub fn kind(&self, component: usize) -> Option<Kind> {
        match &self.stats {
            Some(stats) => stats.get(component).map(|stats| stats.kind),
            None if self.test.tally.len() < ENOUGH_TO_FLAG => None,
            None => self.test.tally.only_label(component).map(|_| Kind::LabelBiased),
        }
    }

    /// What the judge found about a component, once the run is complete.
    pub fn stats_of(&self, component: usize) -> Option<&ComponentStats> {
        self.stats.as_ref()?.get(component)
    }

    /// What is heard: the mix if it is on, the model itself if not.
    pub fn predicted(&self, split: Split) -> &[usize] {
        let side = self.side(split);
        if self.mixer.on { side.mixed.predictions() } else { side.tally.full_predictions() }
    }

    /// Accuracy of what is heard.
    pub fn accuracy(&self, split: Split) -> Option<f64> {
        let side = self.side(split);
        if self.mixer.on { side.mixed.accuracy() } else { side.tally.full_accuracy() }
    }

    /// What the mix does to a test example.
    pub fn change(&self, example: usize) -> Change {
        let side = &self.test;
        let (model, mix) = (side.tally.full_predictions().get(example), side.mixed.predictions().get(example));
        let (Some(&model), Some(&mix)) = (model, mix) else {
            return Change::Same;
        };
        match side.items[example].gold {
            _ if model == mix => Change::Same,
            gold if mix == gold => Change::Fixed,
            gold if model == gold => Change::Broken,
            _ => Change::Other,
        }
    }

    /// How many test examples the mix changes in this way.
    pub fn changes(&self, change: Change) -> usize {
        (0..self.test.tally.len()).filter(|&example| self.change(example) == change).count()
    }

    /// The component's name.
    pub fn name(&self, component: usize) -> Component {
        self.shape.component(component)
    }

    /// The model in a word: the last part of its path or hub id.
    pub fn model_name(&self) -> String {
        let id = self.model.id.trim_end_matches('/');
        printable(id.rsplit('/').next().unwrap_or(id)).into_owned()
    }

    /// Which demonstrations it has, in two words.
    pub fn demos_name(&self) -> String {
        let drawn = Demos::Balanced;
        demos_name(self.request.as_ref().map_or(&drawn, |request| &request.demos), self.prompt.demo_seed)
    }

    /// The label word as it is shown: without the space before it.
    pub fn label(&self, label: usize) -> String {
        let word = self.task.label_words.get(label).map_or("?", String::as_str);
        printable(word).trim().to_owned()
    }
}

/// Which demonstrations these are, in two words: those of a seed, or edited ones by the beginning of their hash.
pub fn demos_name(demos: &Demos, seed: u64) -> String {
    match demos {
        Demos::Listed(listed) => {
            let hash = blake3::hash(format!("{listed:?}").as_bytes()).to_hex();
            format!("edited {}", &hash[..3])
        }
        Demos::Balanced | Demos::Unbalanced => format!("demos {seed}"),
    }
}

/// Exactness of one batch alone.
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
    fn a_saved_run_reads_like_the_run_that_was_watched() {
        let request = fixture::request();
        let mut watched = OpenRun::planned(0, request.clone(), fixture::plan(fixture::SHAPE, &request, 40));
        watched.push(Split::Train, &fixture::batch(fixture::SHAPE, 1000, 1020));
        for from in [0, 16, 32] {
            watched.push(Split::Test, &fixture::batch(fixture::SHAPE, from, (from + 16).min(40)));
        }
        let saved = OpenRun::saved(1, fixture::run(&request, 40));
        assert!(watched.test.table == saved.test.table);
        let texts = |run: &OpenRun| run.test.items.iter().map(|item| item.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&watched), texts(&saved));
        assert_eq!(watched.predictions(Split::Test), saved.predictions(Split::Test));
        assert_eq!(watched.kind(0), Some(Kind::LabelBiased));
        assert_eq!(watched.kind(1), None);
    }

    #[test]
    fn the_mix_changes_what_it_says_it_changes() {
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
    fn what_comes_from_data_cannot_move_the_cursor() {
        let request = fixture::request();
        let mut plan = fixture::plan(fixture::SHAPE, &request, 1);
        plan.test[0].text = "a\x1b[2Jb".to_owned();
        plan.task.label_words[0] = " ne\x07g".to_owned();
        let run = OpenRun::planned(0, request, plan);
        assert_eq!((run.test.items[0].text.as_str(), run.label(0).as_str()), ("a[2Jb", "neg"));
    }
}
