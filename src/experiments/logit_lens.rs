//! Logit lens of one component: its output through the whole unembedding, under the same frozen norm as its
//! contributions (nostalgebraist 2020; Elhage et al. 2021).

use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

use super::RunContext;
use crate::{
    cancel::Cancel,
    component::{Component, Part},
    decompose::final_scale,
    error::{Error, Result},
    model::{Decoder, Norm, NormKind, Probe, Tokenizer, kernels::product},
};

/// Rows of the unembedding that are converted to f32 at a time.
const ROWS: usize = 8192;

/// A token and a component's contribution to its logit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Its id.
    pub token: u32,
    /// The contribution to its logit, in nats.
    pub logit: f64,
}

impl Word {
    /// Makes the word of `token`, with its value in `logits` `[V]`.
    pub(super) fn new(tokenizer: &Tokenizer, token: u32, logits: &[f32]) -> Self {
        let text = tokenizer.pieces(&[token]).swap_remove(0);
        Self { text, token, logit: f64::from(logits[token as usize]) }
    }
}

/// Returns all tokens by their `logits` `[V]`, largest first, equals by id.
pub(super) fn by_logit(logits: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
    order
}

/// Logit lens of one component at the last token of one prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogitLens {
    /// The component.
    pub component: Component,
    /// Its contributions to the logits of the label words, as in the attribution.
    pub labels: Vec<Word>,
    /// Tokens whose logits it raises most, strongest first.
    pub promoted: Vec<Word>,
    /// Tokens whose logits it lowers most, strongest first.
    pub suppressed: Vec<Word>,
    /// Mean contribution over the vocabulary, which does not change probabilities.
    pub mean: f64,
}

/// Computes the logit lens of `component` at the last token of test prompt `example`: the `count` most promoted and
/// most suppressed tokens, and the `labels` tokens.
///
/// # Errors
/// If the model has no such component, [`Error::Cancelled`], or a failed computation.
pub fn logit_lens(
    context: &RunContext<'_>,
    tokenizer: &Tokenizer,
    labels: &[u32],
    (example, component): (usize, Component),
    count: usize,
    cancel: &Cancel,
) -> Result<LogitLens> {
    let logits = logits(context, example, component, cancel)?;
    let order = by_logit(&logits);
    let word = |&token: &u32| Word::new(tokenizer, token, &logits);
    Ok(LogitLens {
        component,
        labels: labels.iter().map(word).collect(),
        promoted: order.iter().take(count).map(word).collect(),
        suppressed: order.iter().rev().take(count).map(word).collect(),
        mean: logits.iter().copied().map(f64::from).sum::<f64>() / logits.len().max(1) as f64,
    })
}

/// Computes the component's contribution to every logit, `[V]`.
fn logits(context: &RunContext<'_>, example: usize, component: Component, cancel: &Cancel) -> Result<Vec<f32>> {
    let decoder = context.decoder;
    if context.shape().index(component).is_none() {
        return Err(unknown(context, component));
    }
    let mut output = ComponentOutput::new(component, decoder.layers[component.layer].attention.head_dim);
    context.run_one(example, &mut output, cancel)?;
    let (Some(value), Some(residual)) = (output.value, output.residual) else {
        return Err(Error::Model(format!("{component} has no output")));
    };
    let layer = &decoder.layers[component.layer];
    let result = match component.part {
        Part::Mlp => value,
        Part::Head(head) => {
            let width = layer.attention.head_dim;
            let weight = layer.attention.output.weight.to_f32()?.narrow(1, head * width, width)?;
            let raw = product(&value, &weight, None)?;
            let raw = match (&layer.attention_post_norm, &output.post_scale) {
                (Some(norm), Some(scale)) => frozen_norm(norm, &raw, scale)?,
                _ => raw,
            };
            (raw * layer.residual_scale)?
        }
    };
    let normed = frozen_norm(&decoder.norm, &result, &final_scale(decoder, &residual)?)?;
    unembed(decoder, &normed, None, cancel)
}

/// Multiplies `normed` `[n, d]` with the whole unembedding, and adds `bias`: `[n, V]`, row-major, finite.
pub(super) fn unembed(decoder: &Decoder, normed: &Tensor, bias: Option<&Tensor>, cancel: &Cancel) -> Result<Vec<f32>> {
    let vocabulary = decoder.unembedding.weight.shape()?.0;
    let mut pieces = Vec::new();
    for from in (0..vocabulary).step_by(ROWS) {
        cancel.check()?;
        let ids: Vec<u32> = (from..(from + ROWS).min(vocabulary)).map(|id| id as u32).collect();
        let count = ids.len();
        let rows = decoder.unembedding.weight.rows(&Tensor::from_vec(ids, count, decoder.device())?)?;
        let bias = bias.map(|bias| bias.narrow(0, from, count)).transpose()?;
        pieces.push((product(normed, &rows, bias.as_ref())? * decoder.logit_scale)?);
    }
    let logits: Vec<f32> = Tensor::cat(&pieces, 1)?.flatten_all()?.to_vec1()?;
    if !logits.iter().all(|logit| logit.is_finite()) {
        return Err(Error::Model("logits over the vocabulary are not finite numbers".to_owned()));
    }
    Ok(logits)
}

fn unknown(context: &RunContext<'_>, component: Component) -> Error {
    let shape = context.shape();
    let name = |index: usize| shape.component(index).to_string();
    Error::Unknown {
        what: "component",
        given: component.to_string(),
        known: vec![name(0), "…".to_owned(), name(shape.components() - 2), name(shape.components() - 1)],
    }
}

/// Applies a norm to `x` `[1, d]` with a fixed scale and without its shift, which belongs to `rest`.
fn frozen_norm(norm: &Norm, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let x = match norm.kind {
        NormKind::Rms => x.clone(),
        NormKind::Layer => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
    };
    Ok(x.broadcast_mul(&norm.weight)?.broadcast_mul(scale)?)
}

/// Probe for one component's output and for the values needed to project it.
struct ComponentOutput {
    component: Component,
    width: usize,
    /// `z` of a head, or the output of an MLP.
    value: Option<Tensor>,
    post_scale: Option<Tensor>,
    residual: Option<Tensor>,
}

impl ComponentOutput {
    const fn new(component: Component, width: usize) -> Self {
        Self { component, width, value: None, post_scale: None, residual: None }
    }
}

impl Probe for ComponentOutput {
    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        if let (Part::Head(head), true) = (self.component.part, layer == self.component.layer) {
            self.value = Some(z.narrow(1, head * self.width, self.width)?.contiguous()?);
            self.post_scale = post_scale.cloned();
        }
        Ok(())
    }

    fn mlp(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.component.part == Part::Mlp && layer == self.component.layer {
            self.value = Some(added.clone());
        }
        Ok(())
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.residual = Some(x.clone());
        Ok(())
    }
}
