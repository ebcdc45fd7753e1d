//! Collects hidden states during a forward pass.

use candle_core::Tensor;

use crate::{
    error::{Error, Result},
    hidden::HiddenMeta,
    model::{Decoder, Probe},
};

/// Probe for the final state and the values of all heads at the last tokens of one batch.
#[derive(Debug)]
pub(super) struct HiddenProbe<'a> {
    decoder: &'a Decoder,
    z: Vec<Tensor>,
    state: Option<Tensor>,
}

impl<'a> HiddenProbe<'a> {
    /// Makes an empty probe.
    pub(super) const fn new(decoder: &'a Decoder) -> Self {
        Self { decoder, z: Vec::new(), state: None }
    }

    /// Returns the values of the batch, `[B, d + L · H · head_dim]`.
    ///
    /// # Errors
    /// If the computation failed or gave values that are not finite.
    pub(super) fn finish(self) -> Result<Vec<f32>> {
        let parts: Vec<Tensor> = self.state.into_iter().chain(self.z).collect();
        let values: Vec<f32> = Tensor::cat(&parts, 1)?.flatten_all()?.to_vec1()?;
        if values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        Err(Error::Model("the hidden states have values that are not finite".to_owned()))
    }
}

impl Probe for HiddenProbe<'_> {
    fn attention(&mut self, _: usize, z: &Tensor, _: Option<&Tensor>) -> Result<()> {
        self.z.push(z.clone());
        Ok(())
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.state = Some(self.decoder.norm.forward(x)?);
        Ok(())
    }
}

/// Returns the sizes of the hidden states of a model.
///
/// # Errors
/// If the width of the model is unknown.
pub fn hidden_meta(decoder: &Decoder) -> Result<HiddenMeta> {
    let attention = &decoder.layers[0].attention;
    let (layers, heads, head_dim) = (decoder.layers.len(), attention.heads, attention.head_dim);
    Ok(HiddenMeta { width: decoder.width()?, layers, heads, head_dim })
}
