//! The model and prompts of an experiment.

use crate::{
    analysis::Mix,
    attribution::WordClasses,
    cancel::Cancel,
    component::Shape,
    decompose::{BatchSize, LabelProjection, workers},
    error::{Error, Result},
    experiments::Fill,
    model::{
        Decoder, Intervention, Model, NoProbe, Packed, PrefixCache, PrefixStream, Probe, Prompt, Regime, Results,
        Stream, Tokens,
    },
    runner::{Plan, Prompts},
};

use super::Ablation;

/// A model and the prompts of a run; effects are measured on the test split.
#[derive(Debug)]
pub struct RunContext<'a> {
    pub(super) decoder: &'a Decoder,
    pub(super) prompts: &'a Prompts,
    pub(super) gold: Vec<usize>,
    pub(super) word_classes: Option<WordClasses>,
    pub(super) projection: LabelProjection,
    /// Number of prefix tokens shared by all prompts, training split included, as in the run itself.
    pub(super) shared: usize,
}

impl<'a> RunContext<'a> {
    /// Makes a context for the prompts of `plan`.
    ///
    /// # Errors
    /// If the computation fails, or there is no test example.
    pub fn new(model: &'a Model, plan: &Plan, prompts: &'a Prompts) -> Result<Self> {
        Self::with(model, plan, prompts, LabelProjection::new(&model.decoder, &plan.task.label_tokens)?)
    }

    /// As [`RunContext::new`], with an existing `projection` onto the labels of `plan`, which is slow to compute for
    /// large models.
    ///
    /// # Errors
    /// If there is no test example.
    pub fn with(model: &'a Model, plan: &Plan, prompts: &'a Prompts, projection: LabelProjection) -> Result<Self> {
        if prompts.test.is_empty() {
            return Err(Error::Model("the run has no test examples".to_owned()));
        }
        Ok(Self {
            decoder: &model.decoder,
            prompts,
            gold: plan.test.iter().map(|example| example.gold).collect(),
            word_classes: plan.task.word_classes.clone(),
            projection,
            shared: plan.prompt.prefix_tokens,
        })
    }

    /// Returns the numbers of layers, heads and label words.
    pub const fn shape(&self) -> Shape {
        self.projection.shape()
    }

    /// Returns the number of labels (classes).
    pub(super) fn labels(&self) -> usize {
        self.word_classes.as_ref().map_or(self.shape().labels, WordClasses::count)
    }

    /// Reduces logits of label words, `[.., W]`, to those of labels, `[.., Y]`.
    pub(super) fn by_class(&self, words: Vec<f64>) -> Vec<f64> {
        self.word_classes.as_ref().map(|classes| classes.reduce(&words)).unwrap_or(words)
    }

    /// Returns the number of test examples.
    pub fn len(&self) -> usize {
        self.prompts.test.len()
    }

    /// Returns whether there are no test examples; always false.
    pub fn is_empty(&self) -> bool {
        self.prompts.test.is_empty()
    }

    /// Returns the prefix tokens that all prompts share.
    pub(super) fn prefix_tokens(&self) -> Vec<u32> {
        self.prompts.test[0].tokens().take(self.shared).collect()
    }

    /// Returns the regimes of the test prompts, each with its number of prompts.
    pub(super) fn regimes(&self) -> Vec<(Regime, usize)> {
        let count = |regime| {
            let matches = |prompt: &&Tokens| self.decoder.regime(prompt.len()) == regime;
            (regime, self.prompts.test.iter().filter(matches).count())
        };
        [Regime::Short, Regime::Long].map(count).into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Runs all test prompts unchanged, in parallel batches with one probe each; passes the probes to `take` in order,
    /// each with its number of prompts.
    pub(super) fn watch<P: Probe + Send>(
        &self,
        probe: impl Fn() -> P + Sync,
        cancel: &Cancel,
        mut take: impl FnMut(P, usize) -> Result<()>,
    ) -> Result<()> {
        let none = Intervention::none();
        let prefix = |(regime, _)| Ok((regime, self.decoder.prefix(&self.prefix_tokens(), regime, &none, cancel)?));
        let prefixes = self.regimes().into_iter().map(prefix).collect::<Result<Vec<_>>>()?;
        let size = BatchSize::default().even(self.decoder, &self.prompts.test, self.shared);
        let batches = size.batches(self.decoder, &self.prompts.test, self.shared);
        let work = |(regime, batch): &(Regime, Vec<&[u32]>)| {
            let mut probe = probe();
            let packed = Packed::new(batch.iter().copied(), self.shared, *regime);
            let prefix = prefixes.iter().find(|(own, _)| own == regime).map(|(_, prefix)| prefix);
            self.decoder.forward(packed, prefix.unwrap_or(&PrefixCache::default()), &none, &mut probe, cancel)?;
            Ok((probe, batch.len()))
        };
        let mut outcome = Ok(());
        workers::run_in_order(self.decoder, &batches, work, |(probe, prompts)| {
            if outcome.is_ok() {
                outcome = take(probe, prompts);
            }
        })?;
        outcome
    }

    /// Runs a single test prompt. All tokens except the last run first, in pieces, so that no attention matrix is
    /// quadratic in its length.
    pub(super) fn run_one(&self, example: usize, probe: &mut dyn Probe, cancel: &Cancel) -> Result<()> {
        let none = Intervention::none();
        let prompt: Vec<u32> = self.prompts.test[example].tokens().collect();
        let (before, regime) = (prompt.len() - 1, self.decoder.regime(prompt.len()));
        let prefix = PrefixStream::begin(self.decoder, &prompt[..before], regime)?;
        let prefix = prefix.finish(&none, &mut NoProbe, cancel)?;
        let stream = Stream::begin(self.decoder, Packed::new([&prompt[before..]], before, regime))?;
        stream.finish(&prefix, &none, probe, cancel)
    }

    /// Returns the intervention of a mix. It does not include the weight of `rest`; see [`Rerun`](super::Rerun).
    pub(super) fn change(&self, weights: &[f64], ablation: Ablation, means: Option<&Results>) -> Result<Intervention> {
        let attention = &self.decoder.layers[0].attention;
        let widths = (attention.heads * attention.head_dim, self.decoder.width()?);
        let fill = means.filter(|_| ablation.fill == Fill::Mean);
        Intervention::new(weights, attention.heads, widths, ablation.positions, fill, self.decoder.device())
    }

    /// Returns the intervention that ablates only the component at `index`.
    pub(super) fn ablate(&self, index: usize, ablation: Ablation, means: Option<&Results>) -> Result<Intervention> {
        let mut mix = Mix::identity(self.shape());
        mix.weights[index] = 0.0;
        self.change(&mix.weights, ablation, means)
    }
}
