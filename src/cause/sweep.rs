//! Ablate each component in turn.
//!
//! A change in layer `l` leaves the layers below untouched, so that every re-run starts at layer `l` from a residual
//! stream that is kept there. At last positions only the last tokens have to flow, because nothing reads them; at all
//! positions the shared prefix is computed anew from layer `l` on.
//!
//! Memory: examples go through in batches, and what is kept belongs to one batch: at last positions its keys and values,
//! at most 256 MiB, at all positions one residual stream of the batch and one of the shared prefix.

use super::{
    Ablation, Fill, Positions, Subject,
    means::{Contributions, means},
};
use crate::{
    analysis::Effects,
    cancel::Cancel,
    decompose::{BatchSize, LabelLogits},
    error::Result,
    model::{Intervention, Packed, Prefix, PrefixStream, Probe, Regime, Results, Stream, attention::KeyValue},
    progress::{Meter, Progress},
};
use std::time::{Duration, Instant};

/// Bytes of keys and values that are kept, at most, unless a single prompt has more.
pub(super) const KNOWN: usize = 256 << 20;

/// Suffix tokens of a batch where the prefix is computed anew for every component: more of them to share it.
const WIDE: usize = 2048;

/// Effects of ablating each component alone, as far as they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// How components are ablated.
    pub ablation: Ablation,
    /// Effects over the first examples, one entry a component.
    pub effects: Vec<Effects>,
    /// Examples in all.
    pub examples: usize,
}

impl Sweep {
    /// Examples that the effects are stated on so far.
    pub fn done(&self) -> usize {
        self.effects.first().map_or(0, |effects| effects.examples)
    }

    /// Whether all examples are in.
    pub fn is_complete(&self) -> bool {
        self.done() == self.examples
    }
}

/// Ablates each component of `subject` in turn and hands out what is known after every batch of examples. Progress
/// counts layers: one for every layer that an example goes through anew.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation. What was handed out before stands.
pub fn sweep(
    subject: &Subject<'_>,
    ablation: Ablation,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Option<&Sweep>, Progress),
) -> Result<Sweep> {
    let shape = subject.shape();
    let fills = match ablation.fill {
        Fill::Zero => None,
        Fill::Mean => Some(means(subject, ablation.positions, cancel)?),
    };
    let changes = (0..shape.components()).map(|index| subject.ablate(index, ablation, fills.as_ref()));
    let changes: Vec<Intervention> = changes.collect::<Result<_>>()?;
    let bench = Bench { subject, ablation, fills: fills.as_ref(), changes: &changes, cancel };
    let mut meter = Meter::start(subject.len() * layers_anew(subject));
    let mut sweep = Sweep { ablation, effects: vec![Effects::default(); shape.components()], examples: subject.len() };
    let mut row = 0;
    for (regime, batch) in bench.batch_size().batches(subject.decoder, &subject.prompts.test, subject.shared) {
        let examples = batch.len();
        let packed = Packed::new(batch, subject.shared, regime);
        let mut step = |layers: usize| observe(None, meter.advance(layers * examples));
        let answers = bench.batch(packed, regime, &mut step)?;
        let gold = &subject.gold[row..row + examples];
        for (effects, (direct, total)) in sweep.effects.iter_mut().zip(answers.direct.iter().zip(&answers.total)) {
            effects.extend(gold, shape.labels, &answers.model, direct, total);
        }
        row += examples;
        observe(Some(&sweep), meter.advance(0));
    }
    Ok(sweep)
}

/// Layers that one example goes through anew in a sweep.
const fn layers_anew(subject: &Subject<'_>) -> usize {
    let shape = subject.shape();
    (shape.heads + 1) * shape.layers * (shape.layers + 1) / 2
}

/// How long a sweep will take, measured on one component of a first batch.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn price(subject: &Subject<'_>, ablation: Ablation, cancel: &Cancel) -> Result<Duration> {
    let changes = [subject.ablate(0, Ablation { fill: Fill::Zero, ..ablation }, None)?];
    let bench = Bench { subject, ablation, fills: None, changes: &changes, cancel };
    let batches = bench.batch_size().batches(subject.decoder, &subject.prompts.test, subject.shared);
    let count = batches.len();
    let Some((regime, batch)) = batches.into_iter().next() else { return Ok(Duration::ZERO) };
    let mut fastest = Duration::MAX;
    for _ in 0..2 {
        let packed = Packed::new(batch.iter().copied(), subject.shared, regime);
        fastest = fastest.min(bench.time_one(packed, regime)?);
    }
    let share = layers_anew(subject) as f64 / subject.shape().layers as f64;
    Ok(fastest.mul_f64(share * count as f64))
}

/// Label logits of one batch.
struct Answers {
    /// `[B, Y]`.
    model: Vec<f64>,
    /// Per component `[B, Y]`.
    direct: Vec<Vec<f64>>,
    /// Per component `[B, Y]`.
    total: Vec<Vec<f64>>,
}

struct Bench<'a> {
    subject: &'a Subject<'a>,
    ablation: Ablation,
    fills: Option<&'a Results>,
    /// One per component.
    changes: &'a [Intervention],
    cancel: &'a Cancel,
}

impl Bench<'_> {
    fn batch_size(&self) -> BatchSize {
        let decoder = self.subject.decoder;
        let attention = &decoder.layers[0].attention;
        let kept = 2 * decoder.layers.len() * attention.kv_heads * attention.head_dim * size_of::<f32>();
        match self.ablation.positions {
            Positions::All => BatchSize { tokens: WIDE },
            Positions::Last => BatchSize { tokens: BatchSize::default().tokens.min(KNOWN / kept.max(1)).max(1) },
        }
    }

    fn batch(&self, packed: Packed, regime: Regime, step: &mut dyn FnMut(usize)) -> Result<Answers> {
        let (decoder, examples) = (self.subject.decoder, packed.prompts());
        let mut seen = Contributions::new(decoder, &self.subject.projection, self.fills);
        let stream = Stream::begin(decoder, packed)?;
        let prefix = PrefixStream::begin(decoder, &self.subject.prefix_tokens(), regime)?;
        let total = match self.ablation.positions {
            Positions::Last => self.last(&stream, prefix, &mut seen, step)?,
            Positions::All => self.all(stream, prefix, &mut seen, step)?,
        };
        let (batch, filled) = seen.finish(examples)?;
        let direct = |index: usize| -> Vec<f64> {
            let own = index * batch.full.len()..(index + 1) * batch.full.len();
            let filled = |at: usize| filled.as_ref().map_or(0.0, |filled| f64::from(filled[own.start + at]));
            let values = batch.full.iter().zip(&batch.components[own.clone()]).enumerate();
            values.map(|(at, (&full, &part))| f64::from(full) - f64::from(part) + filled(at)).collect()
        };
        Ok(Answers {
            model: batch.full.iter().copied().map(f64::from).collect(),
            direct: (0..total.len()).map(direct).collect(),
            total,
        })
    }

    /// Only last tokens flow, over the keys and values of tokens that do not change.
    fn last(
        &self,
        stream: &Stream<'_>,
        prefix: PrefixStream<'_>,
        seen: &mut dyn Probe,
        step: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f64>>> {
        let (none, decoder) = (Intervention::none(), self.subject.decoder);
        let prefix = prefix.finish(&none, &mut crate::model::NoProbe, self.cancel)?;
        let known = self.known(stream.clone(), &prefix, seen)?;
        let mut front = stream.last_only(&known)?;
        let mut total = Vec::with_capacity(self.changes.len());
        while !front.is_done() {
            let layer = front.layer();
            for change in self.of_layer(layer) {
                let mut probe = LabelLogits::new(decoder, &self.subject.projection);
                front.clone().finish(&prefix, change, &mut probe, self.cancel)?;
                total.push(probe.logits);
                step(decoder.layers.len() - layer);
            }
            front.step(prefix.layer(layer), &none, &mut crate::model::NoProbe, self.cancel)?;
        }
        Ok(total)
    }

    /// Keys and values of all tokens in all layers.
    fn known(&self, mut stream: Stream<'_>, prefix: &Prefix, seen: &mut dyn Probe) -> Result<Vec<KeyValue>> {
        let mut known = Vec::new();
        while !stream.is_done() {
            known.push(stream.step(prefix.layer(stream.layer()), &Intervention::none(), seen, self.cancel)?);
        }
        Ok(known)
    }

    /// All tokens flow, those of the prefix first.
    fn all(
        &self,
        mut front: Stream<'_>,
        mut prefix: PrefixStream<'_>,
        seen: &mut dyn Probe,
        step: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f64>>> {
        let (none, decoder) = (Intervention::none(), self.subject.decoder);
        let mut total = Vec::with_capacity(self.changes.len());
        while !front.is_done() {
            let layer = front.layer();
            for change in self.of_layer(layer) {
                let mut probe = LabelLogits::new(decoder, &self.subject.projection);
                let prefix = prefix.clone().finish(change, &mut crate::model::NoProbe, self.cancel)?;
                front.clone().finish(&prefix, change, &mut probe, self.cancel)?;
                total.push(probe.logits);
                step(decoder.layers.len() - layer);
            }
            prefix.step(&none, &mut crate::model::NoProbe, self.cancel)?;
            front.step(prefix.layer(layer), &none, seen, self.cancel)?;
        }
        Ok(total)
    }

    fn of_layer(&self, layer: usize) -> &[Intervention] {
        let each = self.subject.shape().heads + 1;
        &self.changes[layer * each..(layer + 1) * each]
    }

    /// How long the first change takes on one batch, from the first layer up.
    fn time_one(&self, packed: Packed, regime: Regime) -> Result<Duration> {
        let decoder = self.subject.decoder;
        let none = Intervention::none();
        let stream = Stream::begin(decoder, packed)?;
        let prefix = PrefixStream::begin(decoder, &self.subject.prefix_tokens(), regime)?;
        let mut probe = LabelLogits::new(decoder, &self.subject.projection);
        match self.ablation.positions {
            Positions::Last => {
                let prefix = prefix.finish(&none, &mut crate::model::NoProbe, self.cancel)?;
                let known = self.known(stream.clone(), &prefix, &mut crate::model::NoProbe)?;
                let front = stream.last_only(&known)?;
                let started = Instant::now();
                front.finish(&prefix, &self.changes[0], &mut probe, self.cancel)?;
                Ok(started.elapsed())
            }
            Positions::All => {
                let started = Instant::now();
                let prefix = prefix.finish(&self.changes[0], &mut crate::model::NoProbe, self.cancel)?;
                stream.finish(&prefix, &self.changes[0], &mut probe, self.cancel)?;
                Ok(started.elapsed())
            }
        }
    }
}
