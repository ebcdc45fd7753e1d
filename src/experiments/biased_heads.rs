//! Runs of UniBias on attention heads: what heads and streams say by themselves on validation prompts, and label
//! probabilities and predictions with heads weighted down at every token ([`biased_heads`] has the rule and its source).

use candle_core::{D, Tensor};

use super::{Positions, RunContext, answers::WordProbabilities};
use crate::{
    analysis::{
        Mix,
        baseline::{BiasedHeads, HeadReadings, biased_heads},
    },
    attribution::WordClasses,
    cancel::Cancel,
    component::{Component, Part, Shape},
    decompose::LabelLogits,
    error::Result,
    model::{NormKind, Probe, kernels::product, layer::Layer},
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

/// Runs the test prompts of `context` with `found` weighted down, and returns the label logits `[N, Y]`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn logits_without(context: &RunContext<'_>, found: &BiasedHeads, cancel: &Cancel) -> Result<Vec<f64>> {
    let mut logits = Vec::new();
    let probe = || LabelLogits::new(context.decoder, &context.projection);
    context.weighted(&found.heads, found.weight, probe, cancel, |probe| {
        logits.extend(probe.logits);
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
        let rows = self.decoder.unembedding.weight.rows(&self.label_ids()?)?;
        let directions =
            self.decoder.layers.iter().map(|layer| directions(layer, &rows)).collect::<Result<Vec<_>>>()?;
        let Shape { layers, heads, labels: words } = self.shape();
        let mut by_head = vec![Vec::new(); layers * heads];
        let mut by_layer = vec![Vec::new(); layers];
        let probe = || ReadingProbe {
            context: self,
            rows: &rows,
            directions: &directions,
            heads: Vec::new(),
            streams: Vec::new(),
        };
        self.watch(probe, cancel, |probe, examples| {
            for (layer, read) in probe.streams.iter().enumerate() {
                by_layer[layer].extend(read.iter().copied().map(f64::from));
            }
            for (layer, read) in probe.heads.iter().enumerate() {
                for (at, own) in read.chunks_exact(words).enumerate() {
                    by_head[layer * heads + at % heads].extend(own.iter().copied().map(f64::from));
                }
            }
            debug_assert_eq!(probe.heads.first().map_or(0, Vec::len), examples * heads * words);
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
        let work = |batch: &super::context::TestBatch<'_>| {
            let mut probe = probe();
            self.decoder.forward(batch.packed(), &prefixes.of(batch.regime), &change, &mut probe, cancel)?;
            Ok(probe)
        };
        self.in_batches(work, take)
    }

    fn label_ids(&self) -> Result<Tensor> {
        Ok(Tensor::new(self.label_tokens.as_slice(), self.decoder.device())?)
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

/// Returns what the label words read from `z` of a layer, `[W, H · head_dim]`: rows of the unembedding times the output
/// projection, with the weights of a norm after the block.
fn directions(layer: &Layer, rows: &Tensor) -> Result<Tensor> {
    let rows = match &layer.attention_post_norm {
        Some(norm) => {
            let scaled = rows.broadcast_mul(&norm.weight)?;
            match norm.kind {
                NormKind::Rms => scaled,
                NormKind::Layer => scaled.broadcast_sub(&scaled.mean_keepdim(D::Minus1)?)?,
            }
        }
        None => rows.clone(),
    };
    let output = layer.attention.output.weight.to_f32()?;
    Ok((product(&rows, &output.t()?.contiguous()?, None)? * layer.residual_scale)?)
}

/// Probe for the label logits of heads and streams.
struct ReadingProbe<'a> {
    context: &'a RunContext<'a>,
    /// Rows of the unembedding, `[W, d]`.
    rows: &'a Tensor,
    /// By layer, `[W, H · head_dim]`.
    directions: &'a [Tensor],
    /// By layer, `[B, H, W]`.
    heads: Vec<Vec<f32>>,
    /// By layer, `[B, W]`.
    streams: Vec<Vec<f32>>,
}

impl ReadingProbe<'_> {
    fn read_stream(&mut self, x: &Tensor) -> Result<()> {
        if self.streams.len() < self.directions.len() {
            self.streams.push(product(x, self.rows, None)?.flatten_all()?.to_vec1()?);
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
        let heads = self.context.shape().heads;
        let z = match post_scale {
            Some(scale) => z.broadcast_mul(scale)?,
            None => z.clone(),
        };
        let (z, directions) = (z.to_vec2::<f32>()?, self.directions[layer].to_vec2::<f32>()?);
        let width = z.first().map_or(0, Vec::len) / heads;
        let mut read = Vec::with_capacity(z.len() * heads * directions.len());
        for z in &z {
            for head in 0..heads {
                let own = head * width..(head + 1) * width;
                let dot =
                    |row: &Vec<f32>| z[own.clone()].iter().zip(&row[own.clone()]).map(|(a, b)| a * b).sum::<f32>();
                read.extend(directions.iter().map(dot));
            }
        }
        self.heads.push(read);
        Ok(())
    }
}
