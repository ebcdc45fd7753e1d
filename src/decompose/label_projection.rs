//! Projects the outputs of components onto label logits.

use candle_core::{DType, Tensor};

use crate::{
    component::Shape,
    error::Result,
    model::{Decoder, Norm, NormKind, kernels::product},
};

/// Label rows of the unembedding, multiplied with the final norm and every head's output projection.
#[derive(Clone, Debug)]
pub struct LabelProjection {
    pub(super) shape: Shape,
    /// `[Y, d]`: projection of the residual stream, before the final norm's realised scale.
    pub(super) residual: Tensor,
    /// Per layer `[H, Y, head_dim]`: projection of each head's `z`.
    pub(super) heads: Vec<Tensor>,
    /// Per layer `[1, Y]`: contribution of the attention output bias.
    pub(super) biases: Vec<Option<Tensor>>,
    /// `[1, Y]`: contribution of the final norm's shift and the unembedding's bias.
    pub(super) constant: Tensor,
    /// Label rows of the unembedding, for the model's own logits.
    pub(super) label_rows: Tensor,
    pub(super) label_bias: Option<Tensor>,
    /// Whether the attribution also has the norms of component outputs.
    pub(super) has_norms: bool,
}

impl LabelProjection {
    /// Projects `decoder` onto the logits of `label_tokens`.
    ///
    /// # Errors
    /// If the computation fails, e.g. because a token id exceeds the vocabulary.
    pub fn new(decoder: &Decoder, label_tokens: &[u32]) -> Result<Self> {
        Self::reading(decoder, label_tokens, |rows| fold_norm(&decoder.norm, rows))
    }

    /// As [`LabelProjection::new`], but component outputs and streams are read as they are, without the final norm.
    ///
    /// # Errors
    /// As [`LabelProjection::new`].
    pub(crate) fn without_norm(decoder: &Decoder, label_tokens: &[u32]) -> Result<Self> {
        Self::reading(decoder, label_tokens, |rows| Ok(rows.clone()))
    }

    /// Projects with what `residual` makes of the label rows of the unembedding.
    fn reading(decoder: &Decoder, label_tokens: &[u32], residual: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let labels = Tensor::from_slice(label_tokens, label_tokens.len(), decoder.device())?;
        let label_rows = decoder.unembedding.weight.rows(&labels)?;
        let label_bias = decoder.unembedding.bias.as_ref().map(|bias| bias.index_select(&labels, 0)).transpose()?;
        let residual = residual(&label_rows)?;
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
                Some(norm) => fold_norm(norm, &residual)?,
                None => residual.clone(),
            };
            let rows = (rows * layer.residual_scale)?;
            let projection = attention.output.weight.apply_transposed(&rows)?;
            let projection = projection.reshape((shape.labels, attention.heads, attention.head_dim))?;
            heads.push(projection.transpose(0, 1)?.contiguous()?);
            let bias = attention.output.bias.as_ref();
            biases.push(bias.map(|bias| rows.matmul(&bias.unsqueeze(1)?)?.t()).transpose()?);
        }
        Ok(Self { shape, residual, heads, biases, constant, label_rows, label_bias, has_norms: false })
    }

    /// Adds what the squared norms of component outputs need, so that the attribution has them, too.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn with_norms(self, decoder: &Decoder) -> Result<Self> {
        decoder.head_grams()?;
        Ok(Self { has_norms: true, ..self })
    }

    /// Splits `z` of a layer, `[B, H · head_dim]`, into heads: `[H, B, head_dim]`.
    ///
    /// # Errors
    /// If the computation fails.
    pub(crate) fn by_head(&self, layer: usize, z: &Tensor) -> Result<Tensor> {
        let (heads, _, head_dim) = self.heads[layer].dims3()?;
        Ok(z.reshape((z.dim(0)?, heads, head_dim))?.transpose(0, 1)?.contiguous()?)
    }

    /// Reads the labels from `z` of every head, `[H, B, head_dim]`, behind a norm with the realised scale `post_scale`
    /// `[B, 1]`, if there is one: `[H, B, Y]`.
    ///
    /// # Errors
    /// If the computation fails.
    pub(crate) fn read_heads(&self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<Tensor> {
        let read = product(z, &self.heads[layer], None)?;
        Ok(post_scale.map_or(Ok(read.clone()), |scale| read.broadcast_mul(scale))?)
    }

    /// Reads the labels from residual streams `[B, d]`, before the final norm's scale: `[B, Y]`.
    ///
    /// # Errors
    /// If the computation fails.
    pub(crate) fn read_stream(&self, x: &Tensor) -> Result<Tensor> {
        product(x, &self.residual, None)
    }

    /// Returns the numbers of layers, heads and labels.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Computes the model's own label logits `[B, Y]` from residual streams `[B, d]` before the final norm.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn logits(&self, decoder: &Decoder, residual: &Tensor) -> Result<Tensor> {
        let logits = product(&decoder.norm.forward(residual)?, &self.label_rows, self.label_bias.as_ref())?;
        Ok((logits * decoder.logit_scale)?)
    }
}

/// Returns the inner products of the label rows, `[W, W]`: see
/// [`Attribution::label_gram`](crate::attribution::Attribution::label_gram).
///
/// # Errors
/// If the computation fails, e.g. because a token id exceeds the vocabulary.
pub fn label_gram(decoder: &Decoder, label_tokens: &[u32]) -> Result<Vec<f64>> {
    let labels = Tensor::from_slice(label_tokens, label_tokens.len(), decoder.device())?;
    let rows = fold_norm(&decoder.norm, &decoder.unembedding.weight.rows(&labels)?)?.to_vec2::<f32>()?;
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    Ok(rows.iter().flat_map(|a| rows.iter().map(|b| product(a, b))).collect())
}

/// Folds a norm into rows `[Y, d]` that read its output: multiplies by γ, and centres if the norm centres.
fn fold_norm(norm: &Norm, rows: &Tensor) -> Result<Tensor> {
    let rows = rows.broadcast_mul(&norm.weight)?;
    Ok(match norm.kind {
        NormKind::Rms => rows,
        NormKind::Layer => rows.broadcast_sub(&rows.mean_keepdim(1)?)?,
    })
}
