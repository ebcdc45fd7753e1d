//! Model × prompts → attribution.
//!
//! The final norm's scale is the realised one, held fixed; with it, the label logits are a linear function of the
//! residual stream, so each component's share of them can be read off ("direct logit attribution"; Elhage et al. 2021,
//! *A Mathematical Framework for Transformer Circuits*; Chang et al. 2024, arXiv 2406.13131).
//!
//! A head's share never needs its `d`-wide result: its output projection is multiplied with the label rows of the
//! unembedding once, and a head then costs `head_dim · Y` multiplications an example ([`LabelProjection`]).

use candle_core::{DType, Tensor};

use crate::{
    attribution::Batch,
    cancel::Cancel,
    component::Shape,
    error::{Error, Result},
    model::{Decoder, Norm, NormKind, Packed, Prefix, Probe, Regime, packed::shared_prefix},
};

/// Label rows of the unembedding, carried back through the final norm and every head's output projection.
#[derive(Clone, Debug)]
pub struct LabelProjection {
    shape: Shape,
    /// `[d, Y]`: what one unit of the residual stream is worth, before the final norm's realised scale.
    residual: Tensor,
    /// Per layer `[H, head_dim, Y]`.
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
            heads.push(worth.permute((1, 2, 0))?.contiguous()?);
            let bias = attention.output.bias.as_ref();
            biases.push(bias.map(|bias| rows.matmul(&bias.unsqueeze(1)?)?.t()).transpose()?);
        }
        let residual = residual.t()?.contiguous()?;
        Ok(Self { shape, residual, heads, biases, constant, label_rows, label_bias })
    }

    /// Layers, heads and labels.
    pub const fn shape(&self) -> Shape {
        self.shape
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

/// Collects the contributions of one batch while it runs.
struct Collector<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    /// Per component `[B, Y]`, before the final norm's scale.
    components: Vec<Tensor>,
    rest: Option<Tensor>,
    residual: Option<Tensor>,
}

impl Probe for Collector<'_> {
    fn embedding(&mut self, x: &Tensor) -> Result<()> {
        self.rest = Some(x.matmul(&self.projection.residual)?);
        Ok(())
    }

    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        let worth = &self.projection.heads[layer];
        let (heads, head_dim, _) = worth.dims3()?;
        let z = z.reshape((z.dim(0)?, heads, head_dim))?.transpose(0, 1)?.contiguous()?;
        let scaled = |x: Tensor| post_scale.map_or(Ok(x.clone()), |scale| x.broadcast_mul(scale));
        let contributions = scaled(z.matmul(worth)?)?;
        self.components.push(contributions);
        if let (Some(bias), Some(rest)) = (&self.projection.biases[layer], &self.rest) {
            let bias = bias.broadcast_as(rest.shape())?;
            self.rest = Some((rest + scaled(bias)?)?);
        }
        Ok(())
    }

    fn mlp(&mut self, _: usize, added: &Tensor) -> Result<()> {
        self.components.push(added.matmul(&self.projection.residual)?.unsqueeze(0)?);
        Ok(())
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.residual = Some(x.clone());
        Ok(())
    }
}

impl Collector<'_> {
    fn finish(self, examples: usize) -> Result<Batch> {
        let (Some(rest), Some(residual)) = (self.rest, self.residual) else {
            return Ok(Batch { examples: 0, components: Vec::new(), rest: Vec::new(), full: Vec::new() });
        };
        let (norm, factor) = (&self.decoder.norm, self.decoder.logit_scale);
        let scale = norm.realised_scale(&residual)?;
        let components = Tensor::cat(&self.components, 0)?.broadcast_mul(&scale)?;
        let rest = rest.broadcast_mul(&scale)?.broadcast_add(&self.projection.constant)?;
        let logits = norm.forward(&residual)?.matmul(&self.projection.label_rows.t()?)?;
        let full = match &self.projection.label_bias {
            Some(bias) => logits.broadcast_add(bias)?,
            None => logits,
        };
        let values = |x: &Tensor| -> Result<Vec<f32>> { Ok((x * factor)?.flatten_all()?.to_vec1()?) };
        let batch = Batch { examples, components: values(&components)?, rest: values(&rest)?, full: values(&full)? };
        check_finite(&batch, self.projection.shape)?;
        Ok(batch)
    }
}

/// Weights that are finite but absurd show here at the latest; the first component that breaks is named.
fn check_finite(batch: &Batch, shape: Shape) -> Result<()> {
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let rows = batch.examples * shape.labels;
    let broken = batch.components.chunks(rows.max(1)).position(|values| !finite(values));
    match broken {
        None if finite(&batch.rest) && finite(&batch.full) => Ok(()),
        None => Err(Error::Model("the model's logits are not finite numbers".to_owned())),
        Some(index) => {
            Err(Error::Model(format!("the contributions of {} are not finite numbers", shape.component(index))))
        }
    }
}

/// How the work is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Suffix tokens per batch; a batch holds at least one prompt.
    pub tokens: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { tokens: 1024 }
    }
}

/// Prompts ready to be attributed: their shared prefix is computed.
#[derive(Debug)]
pub struct Prepared<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    shared: usize,
    /// One per regime among the prompts.
    prefixes: Vec<(Regime, Prefix)>,
}

impl<'a> Prepared<'a> {
    /// Computes the longest common token prefix of `prompts` once.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a failed computation.
    pub fn new<P: AsRef<[u32]>>(
        decoder: &'a Decoder,
        projection: &'a LabelProjection,
        prompts: &[P],
        cancel: &Cancel,
    ) -> Result<Self> {
        let shared = shared_prefix(prompts);
        let tokens = prompts.first().map_or(&[][..], |prompt| &prompt.as_ref()[..shared]);
        let regimes = [Regime::Short, Regime::Long].into_iter();
        let found = |regime| prompts.iter().any(|prompt| decoder.regime(prompt.as_ref().len()) == regime);
        let prefixes = regimes.filter(|&regime| found(regime));
        let prefixes = prefixes.map(|regime| Ok((regime, decoder.prefix(tokens, regime, cancel)?)));
        Ok(Self { decoder, projection, shared, prefixes: prefixes.collect::<Result<_>>()? })
    }

    /// Tokens that were computed once.
    pub const fn prefix_tokens(&self) -> usize {
        self.shared
    }

    /// Attributes `prompts` (whole ones, each starting with the shared prefix) and hands out batches in order.
    ///
    /// The same prompts with the same [`BatchSize`] give the same bytes, whatever the number of threads; other batch
    /// sizes give values equal to f32 rounding, because matrix products of other shapes add in another order.
    ///
    /// # Errors
    /// [`Error::Cancelled`] between layers, or a failed computation.
    pub fn attribute<P: AsRef<[u32]>>(
        &self,
        prompts: &[P],
        size: BatchSize,
        cancel: &Cancel,
        mut deliver: impl FnMut(Batch),
    ) -> Result<()> {
        let regime = |prompt: &P| self.decoder.regime(prompt.as_ref().len());
        let mut waiting = prompts.iter().map(|prompt| (regime(prompt), &prompt.as_ref()[self.shared..])).peekable();
        while let Some(&(regime, _)) = waiting.peek() {
            let mut room = size.tokens;
            let mut batch: Vec<&[u32]> = Vec::new();
            let fits = |room: usize, suffix: &[u32], batch: &[&[u32]]| batch.is_empty() || suffix.len() <= room;
            while let Some((_, suffix)) = waiting.next_if(|(own, x)| *own == regime && fits(room, x, &batch)) {
                room = room.saturating_sub(suffix.len());
                batch.push(suffix);
            }
            deliver(self.attribute_batch(&batch, regime, cancel)?);
        }
        Ok(())
    }

    fn attribute_batch(&self, suffixes: &[&[u32]], regime: Regime, cancel: &Cancel) -> Result<Batch> {
        let packed = Packed::new(suffixes.iter().copied(), self.shared, regime);
        let Some((_, prefix)) = self.prefixes.iter().find(|(own, _)| *own == regime) else {
            return Err(Error::Model("a prompt is of another length class than those prepared for".to_owned()));
        };
        let mut collector = Collector {
            decoder: self.decoder,
            projection: self.projection,
            components: Vec::with_capacity(2 * self.projection.shape.layers),
            rest: None,
            residual: None,
        };
        self.decoder.forward(&packed, prefix, &mut collector, cancel)?;
        collector.finish(suffixes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::{Attribution, F32_TOLERANCE},
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
        let outcome = prepared.attribute(&prompts, BatchSize { tokens: 1 }, &cancel, |_| {
            batches += 1;
            cancel.cancel();
        });
        assert!(matches!(outcome, Err(crate::Error::Cancelled)));
        assert_eq!(batches, 1);
    }
}
