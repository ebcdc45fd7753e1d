//! One batch of a sweep: each component has its turn, from the layer that it changes on.
//!
//! At last positions only the last tokens have to flow, because nothing reads them; at all positions the shared prefix is
//! computed anew from that layer on.
//!
//! Memory: what is kept belongs to one batch: at last positions its keys and values, at most 256 MiB for all batches under
//! way, at all positions one residual stream of the batch and one of the shared prefix.

use std::time::{Duration, Instant};

use super::{Ablation, Positions, RunContext, means::Contributions};
use crate::{
    attribution::Batch,
    cancel::Cancel,
    component::Shape,
    decompose::{
        BatchSize, LabelLogits,
        workers::{self, Say},
    },
    error::Result,
    model::{
        Intervention, NoProbe, Packed, PrefixCache, PrefixStream, Probe, Regime, Results, Stream, attention::KvCache,
    },
};

/// Bytes of keys and values that are kept, at most, unless a single prompt has more.
const KNOWN: usize = 256 << 20;

/// Suffix tokens of a batch where the prefix is computed anew for every component: more of them to share it.
const WIDE: usize = 2048;

/// What comes of one batch, bit by bit: first the model itself, then one component after the other.
pub(super) enum BatchAnswer {
    /// Label logits of the model itself, `[B, Y]`.
    Model(Vec<f64>),
    /// One component ablated.
    Changed(Contrast),
}

impl BatchAnswer {
    /// Layers that every example of the batch went through for it.
    pub(super) fn layers(&self, shape: Shape) -> usize {
        match self {
            Self::Model(_) => 0,
            Self::Changed(contrast) => shape.layers - shape.component(contrast.component).layer,
        }
    }
}

/// Label logits of a batch where one component is ablated.
pub(super) struct Contrast {
    pub(super) component: usize,
    /// In the sum, `[B, Y]`.
    pub(super) direct: Vec<f64>,
    /// Inside the forward pass, `[B, Y]`.
    pub(super) total: Vec<f64>,
}

pub(super) struct SweepBatch<'a> {
    pub(super) context: &'a RunContext<'a>,
    pub(super) ablation: Ablation,
    pub(super) fills: Option<&'a Results>,
    /// One per component.
    pub(super) changes: &'a [Intervention],
    pub(super) cancel: &'a Cancel,
}

impl SweepBatch<'_> {
    /// The test prompts, in batches that share them evenly among the threads.
    pub(super) fn batches(&self) -> Vec<(Regime, Vec<&[u32]>)> {
        let (decoder, prompts, shared) = (self.context.decoder, &self.context.prompts.test, self.context.shared);
        let size = match self.ablation.positions {
            Positions::All => BatchSize { tokens: WIDE },
            Positions::Last => {
                let attention = &decoder.layers[0].attention;
                let kept = 2 * decoder.layers.len() * attention.kv_heads * attention.head_dim * size_of::<f32>();
                let most = KNOWN / (kept * workers::count(decoder)).max(1);
                BatchSize { tokens: BatchSize::default().tokens.min(most).max(1) }
            }
        };
        size.even(decoder, prompts, shared).batches(decoder, prompts, shared)
    }

    /// Ablates each component in turn on one batch.
    pub(super) fn batch(&self, packed: Packed, regime: Regime, say: Say<'_, BatchAnswer>) -> Result<()> {
        let examples = packed.prompts();
        let stream = Stream::begin(self.context.decoder, packed)?;
        let prefix = PrefixStream::begin(self.context.decoder, &self.context.prefix_tokens(), regime)?;
        let mut seen = Contributions::new(self.context.decoder, &self.context.projection, self.fills);
        match self.ablation.positions {
            Positions::Last => {
                let prefix = prefix.finish(&Intervention::none(), &mut NoProbe, self.cancel)?;
                let known = self.known(stream.clone(), &prefix, &mut seen)?;
                let direct = Direct::of(seen, examples, say)?;
                self.last(stream.last_only(&known)?, &prefix, &direct, say)
            }
            Positions::All => {
                let none = Intervention::none();
                let own = prefix.clone().finish(&none, &mut NoProbe, self.cancel)?;
                stream.clone().finish(&own, &none, &mut seen, self.cancel)?;
                let direct = Direct::of(seen, examples, say)?;
                self.all(stream, prefix, &direct, say)
            }
        }
    }

    /// Only last tokens flow, over the keys and values of tokens that do not change.
    fn last(
        &self,
        mut front: Stream<'_>,
        prefix: &PrefixCache,
        direct: &Direct,
        say: Say<'_, BatchAnswer>,
    ) -> Result<()> {
        while !front.is_done() {
            let layer = front.layer();
            for component in self.of_layer(layer) {
                let total = self.logits(front.clone(), prefix, component)?;
                say(direct.beside(component, total))?;
            }
            front.step(prefix.layer(layer), &Intervention::none(), &mut NoProbe, self.cancel)?;
        }
        Ok(())
    }

    /// All tokens flow, those of the prefix first.
    fn all(
        &self,
        mut front: Stream<'_>,
        mut prefix: PrefixStream<'_>,
        direct: &Direct,
        say: Say<'_, BatchAnswer>,
    ) -> Result<()> {
        let none = Intervention::none();
        while !front.is_done() {
            let layer = front.layer();
            for component in self.of_layer(layer) {
                let change = &self.changes[component];
                let prefix = prefix.clone().finish(change, &mut NoProbe, self.cancel)?;
                let total = self.logits(front.clone(), &prefix, component)?;
                say(direct.beside(component, total))?;
            }
            prefix.step(&none, &mut NoProbe, self.cancel)?;
            front.step(prefix.layer(layer), &none, &mut NoProbe, self.cancel)?;
        }
        Ok(())
    }

    /// Label logits at the end of `front`, with a component changed from there on.
    fn logits(&self, front: Stream<'_>, prefix: &PrefixCache, component: usize) -> Result<Vec<f64>> {
        let mut probe = LabelLogits::new(self.context.decoder, &self.context.projection);
        front.finish(prefix, &self.changes[component], &mut probe, self.cancel)?;
        Ok(probe.logits)
    }

    /// Keys and values of all tokens in all layers.
    fn known(&self, mut stream: Stream<'_>, prefix: &PrefixCache, seen: &mut dyn Probe) -> Result<Vec<KvCache>> {
        let mut known = Vec::new();
        while !stream.is_done() {
            known.push(stream.step(prefix.layer(stream.layer()), &Intervention::none(), seen, self.cancel)?);
        }
        Ok(known)
    }

    fn of_layer(&self, layer: usize) -> std::ops::Range<usize> {
        let each = self.context.shape().heads + 1;
        layer * each..(layer + 1) * each
    }

    /// How long a batch takes as it is, and with the first component changed, from the first layer up.
    pub(super) fn time_one(&self, packed: &Packed, regime: Regime) -> Result<(Duration, Duration)> {
        let (decoder, none) = (self.context.decoder, Intervention::none());
        let started = Instant::now();
        let stream = Stream::begin(decoder, packed.clone())?;
        let fresh = PrefixStream::begin(decoder, &self.context.prefix_tokens(), regime)?;
        let prefix = fresh.clone().finish(&none, &mut NoProbe, self.cancel)?;
        let known = self.known(stream.clone(), &prefix, &mut NoProbe)?;
        let once = started.elapsed();
        let started = Instant::now();
        match self.ablation.positions {
            Positions::Last => self.logits(stream.last_only(&known)?, &prefix, 0)?,
            Positions::All => {
                let prefix = fresh.finish(&self.changes[0], &mut NoProbe, self.cancel)?;
                self.logits(stream, &prefix, 0)?
            }
        };
        Ok((once, started.elapsed()))
    }
}

/// Direct effects on one batch, for every component.
struct Direct {
    batch: Batch,
    /// What the fills contribute, as the components of `batch`.
    filled: Option<Vec<f32>>,
}

impl Direct {
    /// From contributions to a batch; the model's own logits are said on the way.
    fn of(seen: Contributions<'_>, examples: usize, say: Say<'_, BatchAnswer>) -> Result<Self> {
        let (batch, filled) = seen.finish(examples)?;
        say(BatchAnswer::Model(batch.full.iter().copied().map(f64::from).collect()))?;
        Ok(Self { batch, filled })
    }

    /// The direct effect of a component beside the total one.
    fn beside(&self, component: usize, total: Vec<f64>) -> BatchAnswer {
        let size = self.batch.full.len();
        let own = component * size..(component + 1) * size;
        let parts = &self.batch.components[own.clone()];
        let mut direct: Vec<f64> =
            self.batch.full.iter().zip(parts).map(|(&full, &part)| f64::from(full) - f64::from(part)).collect();
        if let Some(filled) = &self.filled {
            direct.iter_mut().zip(&filled[own]).for_each(|(logit, &fill)| *logit += f64::from(fill));
        }
        BatchAnswer::Changed(Contrast { component, direct, total })
    }
}
