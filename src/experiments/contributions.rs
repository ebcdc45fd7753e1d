//! Contributions of the replacement values of ablated outputs.

use candle_core::Tensor;

use crate::{
    attribution::Batch,
    decompose::{Collector, LabelProjection},
    error::Result,
    model::{Decoder, Probe, Results},
};

/// Contributions of a batch, and those of the replacement values under the same norm scales.
pub(super) struct Contributions<'a> {
    model: Collector<'a>,
    filled: Option<(Collector<'a>, &'a Results)>,
}

impl<'a> Contributions<'a> {
    pub(super) fn new(decoder: &'a Decoder, projection: &'a LabelProjection, fill: Option<&'a Results>) -> Self {
        let collector = || Collector::new(decoder, projection);
        Self { model: collector(), filled: fill.map(|fill| (collector(), fill)) }
    }

    /// Returns the batch and the contributions `[C, B, Y]` of the replacement values.
    pub(super) fn finish(self, examples: usize) -> Result<(Batch, Option<Vec<f32>>)> {
        let filled = self.filled.map(|(collector, _)| Ok::<_, crate::Error>(collector.finish(examples)?.components));
        Ok((self.model.finish(examples)?, filled.transpose()?))
    }
}

impl Probe for Contributions<'_> {
    fn embedding(&mut self, x: &Tensor) -> Result<()> {
        self.model.embedding(x)?;
        self.filled.as_mut().map_or(Ok(()), |(collector, _)| collector.embedding(x))
    }

    fn attention(&mut self, layer: usize, z: &Tensor, post_scale: Option<&Tensor>) -> Result<()> {
        self.model.attention(layer, z, post_scale)?;
        let Some((collector, fill)) = &mut self.filled else { return Ok(()) };
        collector.attention(layer, &fill.heads[layer].broadcast_as(z.shape())?.contiguous()?, post_scale)
    }

    fn mlp(&mut self, layer: usize, added: &Tensor) -> Result<()> {
        self.model.mlp(layer, added)?;
        let Some((collector, fill)) = &mut self.filled else { return Ok(()) };
        collector.mlp(layer, &fill.mlps[layer].broadcast_as(added.shape())?.contiguous()?)
    }

    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.model.residual(x)?;
        self.filled.as_mut().map_or(Ok(()), |(collector, _)| collector.residual(x))
    }
}
