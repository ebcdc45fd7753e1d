//! One batch of a sweep: ablates each component in turn, recomputing from its layer on.
//!
//! At last positions only the last tokens are recomputed, because no other token reads them; at all positions the
//! shared prefix is recomputed too.
//!
//! Memory per batch: at last positions its keys and values, at most 256 MiB for all running batches; at all positions
//! one residual stream of the batch and one of the shared prefix.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use super::{
    Ablation, Positions, RunContext,
    answers::{Answer, AnswerProbe},
    batch_fills::BatchFills,
    context::TestBatch,
    contributions::Contributions,
    fills::Fills,
};
use crate::{
    attribution::Batch,
    cancel::Cancel,
    component::Shape,
    decompose::{
        BatchSize,
        workers::{self, Emit},
    },
    error::Result,
    model::{Intervention, NoProbe, PrefixCache, PrefixStream, Probe, Stream, attention::KvCache},
};

/// Maximum bytes of keys and values of all running batches, unless a single prompt has more.
const KV_BYTES: usize = 256 << 20;

/// Suffix tokens of a batch if the prefix is recomputed for every component; larger batches share that cost.
const ALL_POSITIONS_TOKENS: usize = 2048;

/// Partial result of a batch: first the unchanged model, then one component after the other.
pub(super) enum BatchAnswer {
    /// Label logits of the unchanged model.
    Model(Answer),
    /// Result with one component ablated.
    Changed(Contrast),
}

impl BatchAnswer {
    /// Returns the number of layers recomputed per example.
    pub(super) fn layers(&self, shape: Shape) -> usize {
        match self {
            Self::Model(_) => 0,
            Self::Changed(contrast) => shape.layers - shape.component(contrast.component).layer,
        }
    }
}

/// Label logits of a batch with one component ablated.
pub(super) struct Contrast {
    /// Index of the component.
    pub(super) component: usize,
    /// Direct effect: ablated in the sum, `[B, Y]`.
    pub(super) direct: Vec<f64>,
    /// Total effect: ablated inside the forward pass.
    pub(super) total: Answer,
}

/// Runs batches of a sweep.
pub(super) struct SweepBatch<'a> {
    pub(super) context: &'a RunContext<'a>,
    pub(super) ablation: Ablation,
    pub(super) fills: &'a Fills<'a>,
    pub(super) cancel: &'a Cancel,
}

impl SweepBatch<'_> {
    /// Splits the test prompts into batches, evenly among the threads.
    pub(super) fn batches(&self) -> Vec<TestBatch<'_>> {
        let (decoder, prompts, shared) = (self.context.decoder, &self.context.prompts.test, self.context.shared);
        let size = match self.ablation.positions {
            Positions::All => BatchSize { tokens: ALL_POSITIONS_TOKENS },
            Positions::Last => {
                let attention = &decoder.layers[0].attention;
                let token_bytes = 2 * decoder.layers.len() * attention.kv_heads * attention.head_dim * size_of::<f32>();
                let most = KV_BYTES / (token_bytes * workers::count(decoder)).max(1);
                BatchSize { tokens: BatchSize::default().tokens.min(most).max(1) }
            }
        };
        self.context.batches(size.even(decoder, prompts, shared))
    }

    /// Ablates each component in turn on one batch.
    pub(super) fn batch(&self, batch: &TestBatch<'_>, emit: Emit<'_, BatchAnswer>) -> Result<()> {
        let (decoder, examples) = (self.context.decoder, batch.len());
        let fills = self.fills.batch(batch, self.cancel)?;
        let stream = Stream::begin(decoder, batch.packed())?;
        let prefix = PrefixStream::begin(decoder, &self.context.prefix_tokens(), batch.regime)?;
        let mut contributions = Contributions::new(decoder, &self.context.projection, fills.last.as_ref());
        match self.ablation.positions {
            Positions::Last => {
                let prefix = prefix.finish(&Intervention::none(), &mut NoProbe, self.cancel)?;
                let kv = self.kv_caches(stream.clone(), &prefix, &mut contributions)?;
                let direct = DirectEffects::new(contributions, examples)?;
                let stream = stream.last_only(&kv)?;
                let right = match self.measured(batch) {
                    None => Vec::new(),
                    measured => self.answer(stream.clone(), &prefix, &Intervention::none(), measured)?.right,
                };
                emit(direct.of_model(right))?;
                self.ablate_last(stream, &prefix, batch, (&fills, &direct), emit)
            }
            Positions::All => {
                let none = Intervention::none();
                let cache = prefix.clone().finish(&none, &mut NoProbe, self.cancel)?;
                stream.clone().finish(&cache, &none, &mut contributions, self.cancel)?;
                let direct = DirectEffects::new(contributions, examples)?;
                emit(direct.of_model(Vec::new()))?;
                self.ablate_all((stream, prefix), batch, (&fills, &direct), emit)
            }
        }
    }

    /// Ablates each component at the last tokens; the other tokens' keys and values do not change.
    fn ablate_last(
        &self,
        mut stream: Stream<'_>,
        prefix: &PrefixCache,
        batch: &TestBatch<'_>,
        (fills, direct): (&BatchFills, &DirectEffects),
        emit: Emit<'_, BatchAnswer>,
    ) -> Result<()> {
        while !stream.is_done() {
            let layer = stream.layer();
            for component in self.components_of(layer) {
                let change = self.change(component, fills)?;
                let total = self.answer(stream.clone(), prefix, &change, self.measured(batch))?;
                emit(direct.with_total(component, total))?;
            }
            stream.step(prefix.layer(layer), &Intervention::none(), &mut NoProbe, self.cancel)?;
        }
        Ok(())
    }

    /// Ablates each component at all tokens, starting with the prefix.
    fn ablate_all(
        &self,
        (mut stream, mut prefix): (Stream<'_>, PrefixStream<'_>),
        batch: &TestBatch<'_>,
        (fills, direct): (&BatchFills, &DirectEffects),
        emit: Emit<'_, BatchAnswer>,
    ) -> Result<()> {
        let none = Intervention::none();
        while !stream.is_done() {
            let layer = stream.layer();
            for component in self.components_of(layer) {
                let in_prefix = self.context.ablate(component, Positions::All, self.fills.prefix(batch.regime))?;
                let prefix = prefix.clone().finish(&in_prefix, &mut NoProbe, self.cancel)?;
                let total = self.answer(stream.clone(), &prefix, &self.change(component, fills)?, None)?;
                emit(direct.with_total(component, total))?;
            }
            prefix.step(&none, &mut NoProbe, self.cancel)?;
            stream.step(prefix.layer(layer), &none, &mut NoProbe, self.cancel)?;
        }
        Ok(())
    }

    /// Returns the intervention that ablates one component in a batch.
    fn change(&self, component: usize, fills: &BatchFills) -> Result<Intervention> {
        self.context.ablate(component, self.ablation.positions, fills.changed.as_ref())
    }

    /// Returns the rows of `batch` if the probability of the right answer is measured.
    fn measured(&self, batch: &TestBatch<'_>) -> Option<Range<usize>> {
        self.context.measures_answers(self.ablation).then(|| batch.rows.clone())
    }

    /// Computes label logits, and the probability of the right answer on the rows `measured`, by running the rest of
    /// `stream` with `change`.
    fn answer(
        &self,
        stream: Stream<'_>,
        prefix: &PrefixCache,
        change: &Intervention,
        measured: Option<Range<usize>>,
    ) -> Result<Answer> {
        let mut probe = AnswerProbe::new(self.context, measured);
        stream.finish(prefix, change, &mut probe, self.cancel)?;
        Ok(probe.finish())
    }

    /// Computes the keys and values of all tokens in all layers.
    fn kv_caches(&self, mut stream: Stream<'_>, prefix: &PrefixCache, probe: &mut dyn Probe) -> Result<Vec<KvCache>> {
        let mut caches = Vec::new();
        while !stream.is_done() {
            caches.push(stream.step(prefix.layer(stream.layer()), &Intervention::none(), probe, self.cancel)?);
        }
        Ok(caches)
    }

    fn components_of(&self, layer: usize) -> std::ops::Range<usize> {
        let count = self.context.shape().heads + 1;
        layer * count..(layer + 1) * count
    }

    /// Times a batch unchanged, and with the first component ablated, from the first layer up.
    pub(super) fn time_one(&self, batch: &TestBatch<'_>) -> Result<(Duration, Duration)> {
        let (decoder, none) = (self.context.decoder, Intervention::none());
        let change = self.change(0, &BatchFills::default())?;
        let started = Instant::now();
        let stream = Stream::begin(decoder, batch.packed())?;
        let fresh = PrefixStream::begin(decoder, &self.context.prefix_tokens(), batch.regime)?;
        let prefix = fresh.clone().finish(&none, &mut NoProbe, self.cancel)?;
        let kv = self.kv_caches(stream.clone(), &prefix, &mut NoProbe)?;
        let once = started.elapsed();
        let started = Instant::now();
        match self.ablation.positions {
            Positions::Last => self.answer(stream.last_only(&kv)?, &prefix, &change, self.measured(batch))?,
            Positions::All => {
                let prefix = fresh.finish(&change, &mut NoProbe, self.cancel)?;
                self.answer(stream, &prefix, &change, None)?
            }
        };
        Ok((once, started.elapsed()))
    }
}

/// Direct effects of every component on one batch.
struct DirectEffects {
    batch: Batch,
    /// Contributions of the replacement values, in the layout of `batch.components`.
    filled: Option<Vec<f32>>,
}

impl DirectEffects {
    fn new(contributions: Contributions<'_>, examples: usize) -> Result<Self> {
        let (batch, filled) = contributions.finish(examples)?;
        Ok(Self { batch, filled })
    }

    /// Returns the model's own logits together with its probabilities of the right answer.
    fn of_model(&self, right: Vec<f64>) -> BatchAnswer {
        BatchAnswer::Model(Answer { logits: self.batch.full.iter().copied().map(f64::from).collect(), right })
    }

    /// Returns the direct effect of a component together with its total effect.
    fn with_total(&self, component: usize, total: Answer) -> BatchAnswer {
        let size = self.batch.full.len();
        let range = component * size..(component + 1) * size;
        let parts = &self.batch.components[range.clone()];
        let mut direct: Vec<f64> =
            self.batch.full.iter().zip(parts).map(|(&full, &part)| f64::from(full) - f64::from(part)).collect();
        if let Some(filled) = &self.filled {
            direct.iter_mut().zip(&filled[range]).for_each(|(logit, &fill)| *logit += f64::from(fill));
        }
        BatchAnswer::Changed(Contrast { component, direct, total })
    }
}
