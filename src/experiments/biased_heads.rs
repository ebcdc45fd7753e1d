//! Runs of UniBias on attention heads: what heads and streams say by themselves on validation prompts, and label
//! probabilities and predictions with heads weighted down at every token ([`biased_heads`] has the rule and its source).

use candle_core::Tensor;

use super::{Positions, RunContext, answers::WordProbabilities, context::TestBatch};
use crate::{
    analysis::{
        Mix,
        baseline::{BiasedHeads, HeadReadings, biased_heads},
    },
    attribution::WordClasses,
    cancel::Cancel,
    component::{Component, Part, Shape},
    decompose::{LabelLogits, LabelProjection},
    error::Result,
    model::Probe,
    progress::{Meter, Progress},
};

/// Finds the heads to weight down on the test prompts of `validation`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn find_biased_heads(
    validation: &RunContext<'_>,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<BiasedHeads> {
    let candidates = validation.head_readings(cancel)?.candidates();
    let mut meter = Meter::start(candidates.len());
    biased_heads(&candidates, &mut |heads, weight| {
        let probabilities = validation.label_probabilities(heads, weight, cancel)?;
        observe(meter.advance(1));
        Ok(probabilities)
    })
}

/// Runs the test prompts of `context` with `found` weighted down, and returns the label logits `[N, Y]`. `observe` receives
/// the progress in prompts.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn logits_without(
    context: &RunContext<'_>,
    found: &BiasedHeads,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<Vec<f64>> {
    let (mut logits, mut meter, words) = (Vec::new(), Meter::start(context.len()), context.label_tokens.len().max(1));
    let probe = || LabelLogits::new(context.decoder, &context.projection);
    context.weighted(&found.heads, found.weight, probe, cancel, |probe| {
        let prompts = probe.logits.len() / words;
        logits.extend(probe.logits);
        observe(meter.advance(prompts));
        Ok(())
    })?;
    Ok(context.by_class(logits))
}

impl RunContext<'_> {
    /// Reads label logits from the heads and from the streams that the layers read, at the last token of every test
    /// prompt; of a label with several words the largest.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn head_readings(&self, cancel: &Cancel) -> Result<HeadReadings> {
        let projection = LabelProjection::without_norm(self.decoder, &self.label_tokens)?;
        let Shape { layers, heads, .. } = self.shape();
        let mut by_head = vec![Vec::new(); layers * heads];
        let mut by_layer = vec![Vec::new(); layers];
        let probe = || ReadingProbe { projection: &projection, heads: Vec::new(), streams: Vec::new() };
        self.watch(probe, cancel, |probe, _| {
            by_layer.iter_mut().zip(probe.streams).for_each(|(all, own)| extend(all, &own));
            for (of_layer, read) in by_head.chunks_exact_mut(heads).zip(probe.heads) {
                let rows = read.chunks_exact(read.len() / heads);
                of_layer.iter_mut().zip(rows).for_each(|(all, own)| extend(all, own));
            }
            Ok(())
        })?;
        let largest = |values: Vec<Vec<f64>>| self.largest_of_class(values.concat());
        let shape = Shape { layers, heads, labels: self.labels() };
        let (heads, streams) = (largest(by_head), largest(by_layer));
        Ok(HeadReadings { shape, examples: self.len(), heads, streams })
    }

    /// Returns the mean probability of every label among all tokens, `[Y]`, over the test prompts, with `weight` for `heads`
    /// at every token; of a label with several words that of the likeliest.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
    pub fn label_probabilities(&self, heads: &[usize], weight: f64, cancel: &Cancel) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; self.labels()];
        self.weighted(
            heads,
            weight,
            || WordProbabilities::new(self),
            cancel,
            |probe| {
                for own in self.largest_of_class(probe.words).chunks_exact(sums.len()) {
                    sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
                }
                Ok(())
            },
        )?;
        Ok(sums.into_iter().map(|sum| sum / self.len() as f64).collect())
    }

    /// Runs all test prompts with `weight` for `heads` at every token, and passes the probes to `take` in order.
    fn weighted<P: Probe + Send>(
        &self,
        heads: &[usize],
        weight: f64,
        probe: impl Fn() -> P + Sync,
        cancel: &Cancel,
        take: impl FnMut(P) -> Result<()>,
    ) -> Result<()> {
        let shape = self.shape();
        let mut mix = Mix::identity(shape);
        for head in heads {
            let component = Component { layer: head / shape.heads, part: Part::Head(head % shape.heads) };
            if let Some(index) = shape.index(component) {
                mix.weights[index] = weight;
            }
        }
        let change = self.change(&mix.weights, Positions::All, None)?;
        let prefixes = self.prefixes(|_| self.change(&mix.weights, Positions::All, None), cancel)?;
        let work = |batch: &TestBatch<'_>| {
            let mut probe = probe();
            self.decoder.forward(batch.packed(), &prefixes.of(batch.regime), &change, &mut probe, cancel)?;
            Ok(probe)
        };
        self.in_batches(work, take)
    }

    /// Reduces values of label words, `[.., W]`, to the largest of each label, `[.., Y]`.
    fn largest_of_class(&self, words: Vec<f64>) -> Vec<f64> {
        let Some(classes) = &self.word_classes else { return words };
        words.chunks_exact(classes.of_word().len()).flat_map(|own| largest(classes, own)).collect()
    }
}

fn largest(classes: &WordClasses, words: &[f64]) -> Vec<f64> {
    let mut largest = vec![f64::NEG_INFINITY; classes.count()];
    for (&class, &value) in classes.of_word().iter().zip(words) {
        largest[class] = largest[class].max(value);
    }
    largest
}

fn extend(all: &mut Vec<f64>, more: &[f32]) {
    all.extend(more.iter().copied().map(f64::from));
}

/// Probe for the label logits of heads and streams, without the final norm.
struct ReadingProbe<'a> {
    projection: &'a LabelProjection,
    /// By layer, `[H, B, W]`.
    heads: Vec<Vec<f32>>,
    /// By layer, of the stream that it reads, `[B, W]`.
    streams: Vec<Vec<f32>>,
}

impl ReadingProbe<'_> {
    fn read_stream(&mut self, x: &Tensor) -> Result<()> {
        if self.streams.len() < self.projection.shape().layers {
            self.streams.push(self.projection.read_stream(x)?.flatten_all()?.to_vec1()?);
        }
        Ok(())
    }
}

impl Probe for ReadingProbe<'_> {
    fn wants_stream(&self) -> bool {
        true
    }

    fn embedding(&mut self, x: &Tensor) -> Result<()> {
        self.read_stream(x)
    }

    fn resid_post(&mut self, _: usize, x: &Tensor) -> Result<()> {
        self.read_stream(x)
    }

    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        let z = self.projection.by_head(layer, z)?;
        self.heads.push(self.projection.read_heads(layer, &z, post_scale)?.flatten_all()?.to_vec1()?);
        Ok(())
    }
}
