//! Reads label logits from the residual stream after every block: the logit lens.

use candle_core::Tensor;

use super::{LabelProjection, collector::check_scale};
use crate::{
    error::{Error, Result},
    model::{Decoder, Probe, kernels::product},
};

/// Probe for the label logits of the residual stream after the attention and after the MLP of every layer, at the last
/// tokens of one batch.
#[derive(Debug)]
pub(crate) struct StreamLens<'a> {
    decoder: &'a Decoder,
    projection: &'a LabelProjection,
    /// Logits under each stream's own norm, `[B, W]` each.
    own: Vec<Tensor>,
    /// Logits before the final norm's scale and constant terms, `[B, W]` each.
    unscaled: Vec<Tensor>,
    /// Scales of the norm on each stream, `[B, 1]` each.
    scales: Vec<Tensor>,
    scale: Option<Tensor>,
}

/// Label logits of one batch after each block, `[2L, B, W]`: after the attention and after the MLP of each layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamLogits {
    /// Under the final norm with each stream's own scale.
    pub(crate) own: Vec<f32>,
    /// Under the final norm with the scale that it realises at the end of the pass.
    pub(crate) realised: Vec<f32>,
}

impl<'a> StreamLens<'a> {
    /// Makes an empty probe.
    pub(crate) fn new(decoder: &'a Decoder, projection: &'a LabelProjection) -> Self {
        let empty = || Vec::with_capacity(2 * projection.shape.layers);
        Self { decoder, projection, own: empty(), unscaled: empty(), scales: empty(), scale: None }
    }

    fn read(&mut self, x: &Tensor) -> Result<()> {
        self.own.push(self.projection.logits(self.decoder, x)?.unsqueeze(0)?);
        self.unscaled.push(product(x, &self.projection.residual, None)?.unsqueeze(0)?);
        self.scales.push(self.decoder.norm.realised_scale(x)?);
        Ok(())
    }

    /// Returns the logits of the batch after its pass.
    ///
    /// # Errors
    /// If the computation fails or gives values that are not finite.
    pub(crate) fn finish(self) -> Result<StreamLogits> {
        let Some(scale) = self.scale else {
            return Err(Error::Model("the pass ended before the final norm".to_owned()));
        };
        let flat = |x: &Tensor| -> Result<Vec<f32>> { Ok(x.flatten_all()?.to_vec1()?) };
        check_scale(&flat(&Tensor::cat(&self.scales, 0)?)?)?;
        let scaled = Tensor::cat(&self.unscaled, 0)?.broadcast_mul(&scale)?;
        let realised = (scaled.broadcast_add(&self.projection.constant)? * self.decoder.logit_scale)?;
        let logits = StreamLogits { own: flat(&Tensor::cat(&self.own, 0)?)?, realised: flat(&realised)? };
        if logits.own.iter().chain(&logits.realised).all(|value| value.is_finite()) {
            return Ok(logits);
        }
        Err(Error::Model("label logits of the residual stream are not finite numbers".to_owned()))
    }
}

impl Probe for StreamLens<'_> {
    fn wants_stream(&self) -> bool {
        true
    }

    fn resid_mid(&mut self, _: usize, x: &Tensor) -> Result<()> {
        self.read(x)
    }

    fn resid_post(&mut self, _: usize, x: &Tensor) -> Result<()> {
        self.read(x)
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.scale = Some(self.decoder.norm.realised_scale(x)?);
        Ok(())
    }
}
