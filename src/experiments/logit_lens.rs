//! What a component writes: its result through the whole unembedding, under the same frozen norm as its contributions
//! ("logit lens" of one component; nostalgebraist 2020; Elhage et al. 2021).

use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

use super::RunContext;
use crate::{
    cancel::Cancel,
    component::{Component, Part},
    error::{Error, Result},
    model::{Norm, NormKind, Probe, Tokenizer, kernels::product},
};

/// Rows of the unembedding that are held in f32 at a time.
const ROWS: usize = 8192;

/// A token with what a component adds to its logit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Its id.
    pub token: u32,
    /// What is added to its logit, in nats.
    pub logit: f64,
}

/// What one component writes at the last token of one prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogitLens {
    /// The component.
    pub component: Component,
    /// What it adds to the logits of the label words, as in the attribution.
    pub labels: Vec<Word>,
    /// Tokens whose logits it raises most, the strongest first.
    pub promoted: Vec<Word>,
    /// Tokens whose logits it lowers most, the strongest first.
    pub suppressed: Vec<Word>,
    /// Mean over the vocabulary, which changes no probability.
    pub mean: f64,
}

/// What `component` writes at the last token of test prompt `example`: its `count` most promoted and most suppressed
/// tokens, and the `labels` tokens.
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
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
    let word = |&token: &u32| Word {
        text: tokenizer.pieces(&[token]).swap_remove(0),
        token,
        logit: f64::from(logits[token as usize]),
    };
    Ok(LogitLens {
        component,
        labels: labels.iter().map(word).collect(),
        promoted: order.iter().take(count).map(word).collect(),
        suppressed: order.iter().rev().take(count).map(word).collect(),
        mean: logits.iter().copied().map(f64::from).sum::<f64>() / logits.len().max(1) as f64,
    })
}

/// What the component adds to every logit, `[V]`.
fn logits(context: &RunContext<'_>, example: usize, component: Component, cancel: &Cancel) -> Result<Vec<f32>> {
    let decoder = context.decoder;
    if context.shape().index(component).is_none() {
        return Err(unknown(context, component));
    }
    let mut seen = Writing::of(component, decoder.layers[component.layer].attention.head_dim);
    context.run_one(example, &mut seen, cancel)?;
    let (Some(written), Some(residual)) = (seen.written, seen.residual) else {
        return Err(Error::Model(format!("{component} wrote nothing")));
    };
    let layer = &decoder.layers[component.layer];
    let result = match component.part {
        Part::Mlp => written,
        Part::Head(head) => {
            let width = layer.attention.head_dim;
            let weight = layer.attention.output.weight.to_f32()?.narrow(1, head * width, width)?;
            let raw = product(&written, &weight, None)?;
            let raw = match (&layer.attention_post_norm, &seen.post_scale) {
                (Some(norm), Some(scale)) => through(norm, &raw, scale)?,
                _ => raw,
            };
            (raw * layer.residual_scale)?
        }
    };
    let read = through(&decoder.norm, &result, &decoder.norm.realised_scale(&residual)?)?;
    let vocabulary = decoder.unembedding.weight.shape()?.0;
    let mut logits = Vec::with_capacity(vocabulary);
    for from in (0..vocabulary).step_by(ROWS) {
        cancel.check()?;
        let ids: Vec<u32> = (from..(from + ROWS).min(vocabulary)).map(|id| id as u32).collect();
        let count = ids.len();
        let rows = decoder.unembedding.weight.rows(&Tensor::from_vec(ids, count, decoder.device())?)?;
        logits.extend((product(&read, &rows, None)? * decoder.logit_scale)?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(logits)
}

fn unknown(context: &RunContext<'_>, component: Component) -> Error {
    let shape = context.shape();
    let last = |index: usize| shape.component(index).to_string();
    Error::Unknown {
        what: "component",
        given: component.to_string(),
        known: vec![last(0), "…".to_owned(), last(shape.components() - 2), last(shape.components() - 1)],
    }
}

/// `x` `[1, d]` through a norm whose scale is held fixed; the shift belongs to `rest`.
fn through(norm: &Norm, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
    let x = match norm.kind {
        NormKind::Rms => x.clone(),
        NormKind::Layer => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
    };
    Ok(x.broadcast_mul(&norm.weight)?.broadcast_mul(scale)?)
}

/// What one component writes, and what its reading needs.
struct Writing {
    component: Component,
    width: usize,
    written: Option<Tensor>,
    post_scale: Option<Tensor>,
    residual: Option<Tensor>,
}

impl Writing {
    const fn of(component: Component, width: usize) -> Self {
        Self { component, width, written: None, post_scale: None, residual: None }
    }
}

impl Probe for Writing {
    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        if let (Part::Head(head), true) = (self.component.part, layer == self.component.layer) {
            self.written = Some(z.narrow(1, head * self.width, self.width)?.contiguous()?);
            self.post_scale = post_scale.cloned();
        }
        Ok(())
    }

    fn mlp(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        if self.component.part == Part::Mlp && layer == self.component.layer {
            self.written = Some(added.clone());
        }
        Ok(())
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.residual = Some(x.clone());
        Ok(())
    }
}
