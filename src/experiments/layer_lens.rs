//! Logit lens by layer: the residual stream after every attention and every MLP, read as if the model ended there
//! (nostalgebraist 2020, *interpreting GPT: the logit lens*).
//!
//! A stream in the middle of the model passes through the final norm in one of two conventions. With its *own* scale the
//! norm is applied to it as it is (the logit lens). With the *realised* scale the norm's factor is that of the last
//! stream, so that logits are sums of contributions, as in the attribution. For RMS norms the two differ by a positive
//! factor for each example: predictions are the same, margins and probabilities are not. Both end in the model's own
//! logits.

use candle_core::Tensor;
use serde::{Serialize, Serializer};

use super::{
    RunContext, Word,
    logit_lens::{by_logit, unembed},
};
use crate::{
    attribution::Exactness,
    cancel::Cancel,
    decompose::{StreamLens, final_scale},
    error::Result,
    model::{Probe, Tokenizer},
    progress::{Meter, Progress},
};

/// A point of the residual stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The layer.
    pub layer: usize,
    /// Whether the layer's MLP is added; otherwise only its attention is.
    pub after_mlp: bool,
}

impl Point {
    /// Returns the points of a model of `layers` layers, in the order of the forward pass.
    pub fn all(layers: usize) -> impl Iterator<Item = Self> {
        (0..layers).flat_map(|layer| [false, true].map(|after_mlp| Self { layer, after_mlp }))
    }

    /// Returns the block that was added last: `attn` or `mlp`.
    pub const fn after(self) -> &'static str {
        if self.after_mlp { "mlp" } else { "attn" }
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            layer: usize,
            after: &'static str,
        }
        Fields { layer: self.layer, after: self.after() }.serialize(serializer)
    }
}

/// Label logits of the residual stream at every [`Point`], `[2L]` times `[N, Y]`, on the test prompts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerLens {
    /// Under the final norm with each stream's own scale.
    pub own: Vec<Vec<f64>>,
    /// Under the final norm with the scale that it realises on the last stream.
    pub realised: Vec<Vec<f64>>,
}

impl LayerLens {
    /// Measures how well both conventions end in the model's own label logits `full` `[N, labels]`.
    pub fn exactness(&self, full: &[f32], labels: usize) -> Exactness {
        let full: Vec<f64> = full.iter().copied().map(f64::from).collect();
        let ends = [&self.own, &self.realised].map(|points| points.last().map_or(&[][..], Vec::as_slice));
        let [own, realised] = ends.map(|end| Exactness::measure(end, &full, labels));
        own.merge(realised)
    }
}

/// Reads label logits at every point of the residual stream, at the last token of every test prompt.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn layer_lens(context: &RunContext<'_>, cancel: &Cancel, observe: &mut dyn FnMut(Progress)) -> Result<LayerLens> {
    let points = 2 * context.shape().layers;
    let mut words = [vec![Vec::new(); points], vec![Vec::new(); points]];
    let mut meter = Meter::start(context.len());
    let probe = || StreamLens::new(context.decoder, &context.projection);
    context.watch(probe, cancel, |probe, examples| {
        let logits = probe.finish()?;
        for (all, batch) in words.iter_mut().zip([logits.own, logits.realised]) {
            let rows = batch.chunks_exact(examples * context.shape().labels);
            all.iter_mut().zip(rows).for_each(|(all, rows)| all.extend(rows.iter().copied().map(f64::from)));
        }
        observe(meter.advance(examples));
        Ok(())
    })?;
    let [own, realised] = words.map(|points| points.into_iter().map(|words| context.by_class(words)).collect());
    Ok(LayerLens { own, realised })
}

/// The tokens with the largest logits at one point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopWords {
    /// The point.
    #[serde(flatten)]
    pub point: Point,
    /// The tokens, largest logit first.
    pub words: Vec<Word>,
}

/// Reads the `count` tokens with the largest logits at every point of the residual stream, at the last token of test
/// prompt `example`; under the final norm with each stream's own scale, before any final soft-cap.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn top_words(
    context: &RunContext<'_>,
    tokenizer: &Tokenizer,
    example: usize,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<TopWords>> {
    let (decoder, mut streams) = (context.decoder, Streams(Vec::new()));
    context.run_one(example, &mut streams, cancel)?;
    let streams_by_point = Tensor::cat(&streams.0, 0)?;
    final_scale(decoder, &streams_by_point)?;
    let normed = decoder.norm.forward(&streams_by_point)?;
    let logits = unembed(decoder, &normed, decoder.unembedding.bias.as_ref(), cancel)?;
    let rows = logits.chunks_exact(logits.len() / streams.0.len().max(1));
    let words = |(point, logits): (Point, &[f32])| {
        let words = by_logit(logits).into_iter().take(count).map(|token| Word::new(tokenizer, token, logits));
        TopWords { point, words: words.collect() }
    };
    Ok(Point::all(context.shape().layers).zip(rows).map(words).collect())
}

/// Collects the residual stream at every point, `[1, d]` each.
struct Streams(Vec<Tensor>);

impl Probe for Streams {
    fn wants_stream(&self) -> bool {
        true
    }

    fn resid_mid(&mut self, _: usize, x: &Tensor) -> Result<()> {
        self.0.push(x.clone());
        Ok(())
    }

    fn resid_post(&mut self, _: usize, x: &Tensor) -> Result<()> {
        self.0.push(x.clone());
        Ok(())
    }
}
