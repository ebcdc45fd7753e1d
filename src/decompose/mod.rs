//! Model × prompts → attribution.
//!
//! The final norm's scale is the realised one, held fixed; with it, the label logits are a linear function of the
//! residual stream, so each component's share of them can be read off ("direct logit attribution"; Elhage et al. 2021,
//! *A Mathematical Framework for Transformer Circuits*; Chang et al. 2024, arXiv 2406.13131).
//!
//! A head's share never needs its `d`-wide result: its output projection is multiplied with the label rows of the
//! unembedding once, and a head then costs `head_dim · Y` multiplications an example ([`LabelProjection`]).

mod collector;
mod prepared;
pub(crate) mod workers;

use candle_core::{DType, Tensor};

pub use collector::Collector;
pub(crate) use collector::LabelLogits;
pub use prepared::{BatchSize, Prepared};

use crate::{
    component::Shape,
    error::Result,
    model::{Decoder, Norm, NormKind, kernels::product},
};

/// Label rows of the unembedding, carried back through the final norm and every head's output projection.
#[derive(Clone, Debug)]
pub struct LabelProjection {
    shape: Shape,
    /// `[Y, d]`: what one unit of the residual stream is worth, before the final norm's realised scale.
    residual: Tensor,
    /// Per layer `[H, Y, head_dim]`.
    heads: Vec<Tensor>,
    /// Per layer `[1, Y]`: what the attention output bias is worth.
    biases: Vec<Option<Tensor>>,
    /// `[1, Y]`: the final norm's shift and the unembedding's bias.
    constant: Tensor,
    /// Label rows and bias for the ordinary path.
    label_rows: Tensor,
    label_bias: Option<Tensor>,
}

impl LabelProjection {
    /// Projects `decoder` onto the logits of `label_tokens`.
    ///
    /// # Errors
    /// If the computation fails, e.g. because a token id exceeds the vocabulary.
    pub fn new(decoder: &Decoder, label_tokens: &[u32]) -> Result<Self> {
        let labels = Tensor::from_slice(label_tokens, label_tokens.len(), decoder.device())?;
        let label_rows = decoder.unembedding.weight.rows(&labels)?;
        let label_bias = decoder.unembedding.bias.as_ref().map(|bias| bias.index_select(&labels, 0)).transpose()?;
        let residual = carry_through(&decoder.norm, &label_rows)?;
        let mut constant = match &decoder.norm.bias {
            Some(shift) => label_rows.matmul(&shift.unsqueeze(1)?)?.t()?,
            None => Tensor::zeros((1, label_tokens.len()), DType::F32, decoder.device())?,
        };
        if let Some(bias) = &label_bias {
            constant = constant.broadcast_add(bias)?;
        }
        let first = &decoder.layers[0].attention;
        let shape = Shape { layers: decoder.layers.len(), heads: first.heads, labels: label_tokens.len() };
        let (mut heads, mut biases) = (Vec::with_capacity(shape.layers), Vec::with_capacity(shape.layers));
        for layer in &decoder.layers {
            let attention = &layer.attention;
            let rows = match &layer.attention_post_norm {
                Some(norm) => carry_through(norm, &residual)?,
                None => residual.clone(),
            };
            let rows = (rows * layer.residual_scale)?;
            let weight = attention.output.weight.to_f32()?;
            let worth = rows.matmul(&weight)?.reshape((shape.labels, attention.heads, attention.head_dim))?;
            heads.push(worth.transpose(0, 1)?.contiguous()?);
            let bias = attention.output.bias.as_ref();
            biases.push(bias.map(|bias| rows.matmul(&bias.unsqueeze(1)?)?.t()).transpose()?);
        }
        Ok(Self { shape, residual, heads, biases, constant, label_rows, label_bias })
    }

    /// Layers, heads and labels.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The model's own label logits `[B, Y]` for residual streams `[B, d]` before the final norm, by the ordinary path.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn logits(&self, decoder: &Decoder, residual: &Tensor) -> Result<Tensor> {
        let logits = product(&decoder.norm.forward(residual)?, &self.label_rows, self.label_bias.as_ref())?;
        Ok((logits * decoder.logit_scale)?)
    }
}

/// Rows `[Y, d]` after a norm, as rows before it: times γ, and centred if the norm centres.
fn carry_through(norm: &Norm, rows: &Tensor) -> Result<Tensor> {
    let rows = rows.broadcast_mul(&norm.weight)?;
    Ok(match norm.kind {
        NormKind::Rms => rows,
        NormKind::Layer => rows.broadcast_sub(&rows.mean_keepdim(1)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::{Attribution, F32_TOLERANCE},
        cancel::Cancel,
        model::{LoadOptions, Model, Source},
    };

    fn model() -> Model {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models/llama-biased");
        Model::load(&Source::Folder(folder.into()), &LoadOptions::default()).unwrap()
    }

    /// Prompts of 3 to 17 tokens that start alike and then wander through the vocabulary.
    fn prompts() -> Vec<Vec<u32>> {
        let token = |prompt: u32, at: u32| (prompt * 7919 + at * at * 31 + at * 13 + 5) % 97;
        (0..20)
            .map(|prompt| [1, 2].into_iter().chain((0..=prompt % 15).map(|at| token(prompt, at))).collect())
            .collect()
    }

    fn attribute(model: &Model, projection: &LabelProjection) -> Attribution {
        let (prompts, cancel) = (prompts(), Cancel::default());
        let prepared = Prepared::new(&model.decoder, projection, &prompts, &cancel).unwrap();
        assert_eq!(prepared.prefix_tokens(), 2);
        let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
        prepared.attribute(&prompts, BatchSize { tokens: 40 }, &cancel, |batch| table.push(&batch)).unwrap();
        table
    }

    #[test]
    fn parts_and_rest_add_up_to_the_logits() {
        let model = model();
        let table = attribute(&model, &LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap());
        assert!(table.is_complete());
        assert!(table.exactness().holds(F32_TOLERANCE), "{:?}", table.exactness());
    }

    #[test]
    fn bytes_depend_neither_on_batches_nor_on_threads() {
        let model = model();
        let projection = LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap();
        let (prompts, cancel) = (prompts(), Cancel::default());
        let bytes = |threads: usize, tokens: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
                let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
                prepared.attribute(&prompts, BatchSize { tokens }, &cancel, |batch| table.push(&batch)).unwrap();
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                let whole = table.batch(0..table.len());
                (bits(&whole.components), bits(&whole.rest), bits(&whole.full))
            })
        };
        let once = bytes(1, 10_000);
        for (threads, tokens) in [(1, 1), (1, 40), (2, 40), (3, 10_000), (7, 17)] {
            assert!(bytes(threads, tokens) == once, "{threads} threads, batches of {tokens} tokens");
        }
    }

    #[test]
    fn a_corrupted_projection_makes_exactness_fail() {
        let model = model();
        let mut projection = LabelProjection::new(&model.decoder, &[3, 50, 96]).unwrap();
        let mut worth: Vec<f32> = projection.heads[1].flatten_all().unwrap().to_vec1().unwrap();
        worth[10] += 0.5;
        projection.heads[1] = Tensor::from_vec(worth, projection.heads[1].shape(), model.decoder.device()).unwrap();
        let exactness = attribute(&model, &projection).exactness();
        assert!(!exactness.holds(F32_TOLERANCE), "{exactness:?}");
    }

    #[test]
    fn a_cancelled_attribution_stops() {
        let model = model();
        let projection = LabelProjection::new(&model.decoder, &[3, 50]).unwrap();
        let cancel = Cancel::default();
        let prompts = prompts();
        let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel).unwrap();
        let mut batches = 0;
        let serial = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let outcome = serial.install(|| {
            prepared.attribute(&prompts, BatchSize { tokens: 1 }, &cancel, |_| {
                batches += 1;
                cancel.cancel();
            })
        });
        assert!(matches!(outcome, Err(crate::Error::Cancelled)));
        assert_eq!(batches, 1);
    }
}
