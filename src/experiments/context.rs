//! The model and prompts of an experiment.

use std::{borrow::Cow, ops::Range};

use crate::{
    analysis::Mix,
    attribution::WordClasses,
    cancel::Cancel,
    component::Shape,
    decompose::{BatchSize, LabelProjection, workers},
    error::{Error, InputError, Result},
    model::{
        Decoder, Intervention, Model, NoProbe, Packed, PrefixCache, PrefixStream, Probe, Prompt, Regime, Results,
        Stream, Tokens,
    },
    runner::{Plan, Prompts},
};

use super::{Ablation, Fill, Positions};

/// Why an ablation that needs another run fails without one.
pub(super) const NO_FILL_SOURCE: &str = "paired replacement values need another run";

/// A model and the prompts of a run; effects are measured on the test split.
#[derive(Debug)]
pub struct RunContext<'a> {
    pub(super) decoder: &'a Decoder,
    pub(super) prompts: Cow<'a, Prompts>,
    /// Ids of the test examples.
    ids: Vec<String>,
    pub(super) gold: Vec<usize>,
    pub(super) word_classes: Option<WordClasses>,
    pub(super) label_tokens: Vec<u32>,
    pub(super) projection: LabelProjection,
    /// Number of prefix tokens shared by all prompts, training split included, as in the run itself.
    pub(super) shared: usize,
    /// Where replacement values come from, if not from the run itself.
    pub(super) fill_source: Option<Box<FillSource<'a>>>,
}

/// Another run whose prompts give replacement values.
#[derive(Debug)]
pub(super) struct FillSource<'a> {
    pub(super) context: RunContext<'a>,
    /// Its row for every test prompt of the run.
    pub(super) rows: Vec<usize>,
}

/// Consecutive test prompts that run together.
pub(super) struct TestBatch<'p> {
    pub(super) regime: Regime,
    /// Their rows in the test split.
    pub(super) rows: Range<usize>,
    /// Their tokens after the first `shared`.
    suffixes: Vec<&'p [u32]>,
    shared: usize,
}

impl TestBatch<'_> {
    /// Returns the number of prompts.
    pub(super) const fn len(&self) -> usize {
        self.suffixes.len()
    }

    /// Packs the tokens after the shared prefix.
    pub(super) fn packed(&self) -> Packed {
        Packed::new(self.suffixes.iter().copied(), self.shared, self.regime)
    }
}

/// The shared prefix of the test prompts, once for every regime.
pub(super) struct Prefixes(Vec<(Regime, PrefixCache)>);

impl Prefixes {
    /// Returns the prefix of prompts of `regime`.
    pub(super) fn of(&self, regime: Regime) -> PrefixCache {
        let found = self.0.iter().find(|(own, _)| *own == regime);
        found.map(|(_, prefix)| prefix.clone()).unwrap_or_default()
    }
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
            prompts: Cow::Borrowed(prompts),
            ids: plan.test.iter().map(|example| example.id.clone()).collect(),
            gold: plan.test.iter().map(|example| example.gold).collect(),
            word_classes: plan.task.word_classes.clone(),
            label_tokens: plan.task.label_tokens.clone(),
            projection,
            shared: plan.prompt.prefix_tokens,
            fill_source: None,
        })
    }

    /// Returns a context for other test `prompts` that share no prefix and have no gold labels.
    pub(super) fn on_prompts<'p>(&self, prompts: &'p Prompts) -> RunContext<'p>
    where
        'a: 'p,
    {
        RunContext {
            decoder: self.decoder,
            ids: vec![String::new(); prompts.test.len()],
            gold: vec![0; prompts.test.len()],
            prompts: Cow::Borrowed(prompts),
            word_classes: None,
            label_tokens: self.label_tokens.clone(),
            projection: self.projection.clone(),
            shared: 0,
            fill_source: None,
        }
    }

    /// Takes the replacement values of `ablation` from another run's `prompts` for the same model; `rows` has their row for
    /// every test example ([`pair`](crate::runner::pair)).
    ///
    /// # Errors
    /// If `plan` has no test examples, or if all positions take paired values and paired prompts differ in length.
    pub fn fill_from(
        mut self,
        model: &'a Model,
        (plan, prompts): (&Plan, &'a Prompts),
        rows: Vec<usize>,
        ablation: Ablation,
    ) -> Result<Self> {
        let mut other = Self::with(model, plan, prompts, self.projection.clone())?;
        if ablation.fill == Fill::Paired && ablation.positions == Positions::All {
            self.check_lengths(&other, rows.iter().copied().enumerate())?;
            let shared = self.shared.min(other.shared);
            self.shorten_prefix(shared);
            other.shorten_prefix(shared);
        }
        self.fill_source = Some(Box::new(FillSource { context: other, rows }));
        Ok(self)
    }

    /// Checks that the prompts in `pairs` of rows have the same lengths as those of `other`.
    pub(super) fn check_lengths(&self, other: &Self, pairs: impl IntoIterator<Item = (usize, usize)>) -> Result<()> {
        let lengths =
            |(own, there): (usize, usize)| (own, self.prompts.test[own].len(), other.prompts.test[there].len());
        let lengths: Vec<_> = pairs.into_iter().map(lengths).collect();
        let unequal: Vec<_> = lengths.iter().filter(|(_, own, there)| own != there).collect();
        let Some((row, own, there)) = unequal.first() else { return Ok(()) };
        let problem = format!(
            "the prompt of `{}` has {own} tokens, in the other run {there}; {} of {} prompts differ in length",
            self.ids[*row],
            unequal.len(),
            lengths.len()
        );
        let help = "values at all positions need prompts of equal length: choose another run, or replace outputs at the \
                    last position only";
        Err(InputError::new(problem).help(help).into())
    }

    /// Lets the test prompts share only their first `shared` tokens.
    fn shorten_prefix(&mut self, shared: usize) {
        if shared < self.shared {
            self.prompts.to_mut().shorten_prefix(shared);
            self.shared = shared;
        }
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

    /// Splits the test prompts into batches of `size`.
    pub(super) fn batches(&self, size: BatchSize) -> Vec<TestBatch<'_>> {
        let mut from = 0;
        let batch = |(regime, suffixes): (Regime, Vec<_>)| {
            let rows = from..from + suffixes.len();
            from = rows.end;
            TestBatch { regime, rows, suffixes, shared: self.shared }
        };
        size.batches(self.decoder, &self.prompts.test, self.shared).into_iter().map(batch).collect()
    }

    /// Computes the shared prefix with the intervention that `change` gives for a regime.
    pub(super) fn prefixes(
        &self,
        change: impl Fn(Regime) -> Result<Intervention>,
        cancel: &Cancel,
    ) -> Result<Prefixes> {
        let prefix =
            |(regime, _)| Ok((regime, self.decoder.prefix(&self.prefix_tokens(), regime, &change(regime)?, cancel)?));
        Ok(Prefixes(self.regimes().into_iter().map(prefix).collect::<Result<_>>()?))
    }

    /// Applies `work` to batches of all test prompts, in parallel; passes the results to `take` in order, until it fails.
    pub(super) fn in_batches<R: Send>(
        &self,
        work: impl Fn(&TestBatch<'_>) -> Result<R> + Sync,
        mut take: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        let batches = self.batches(BatchSize::default().even(self.decoder, &self.prompts.test, self.shared));
        let mut outcome = Ok(());
        workers::run_in_order(self.decoder, &batches, work, |result| {
            if outcome.is_ok() {
                outcome = take(result);
            }
        })?;
        outcome
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
        let prefixes = self.prefixes(|_| Ok(Intervention::none()), cancel)?;
        let work = |batch: &TestBatch<'_>| {
            let mut probe = probe();
            self.decoder.forward(batch.packed(), &prefixes.of(batch.regime), &none, &mut probe, cancel)?;
            Ok((probe, batch.len()))
        };
        self.in_batches(work, |(probe, prompts)| take(probe, prompts))
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

    /// Returns whether an ablation of each component in turn measures the probability of the right answer, for function
    /// vector scores: if means of another run replace outputs at the last position.
    pub(super) fn measures_answers(&self, ablation: Ablation) -> bool {
        self.fill_source.is_some() && ablation == Ablation { positions: Positions::Last, fill: Fill::Mean }
    }

    /// Returns the intervention of a mix, with the replacement values `fill` or zero. It does not include the weight of
    /// `rest`; see [`Rerun`](super::Rerun).
    pub(super) fn change(&self, weights: &[f64], positions: Positions, fill: Option<&Results>) -> Result<Intervention> {
        let attention = &self.decoder.layers[0].attention;
        let widths = (attention.heads * attention.head_dim, self.decoder.width()?);
        Intervention::new(weights, attention.heads, widths, positions, fill, self.decoder.device())
    }

    /// Returns the intervention that ablates only the component at `index`.
    pub(super) fn ablate(&self, index: usize, positions: Positions, fill: Option<&Results>) -> Result<Intervention> {
        let mut mix = Mix::identity(self.shape());
        mix.weights[index] = 0.0;
        self.change(&mix.weights, positions, fill)
    }
}
